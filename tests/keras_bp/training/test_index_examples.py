import numpy as np
import pytest
import tensorflow as tf

from keras_bp.training import index_examples

X = np.arange(12, dtype="float32").reshape(6, 2)
Y = np.arange(6) * 10


def source(*parts):
    return tf.data.Dataset.from_tensor_slices(parts)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_example_gets_its_number_beside_its_inputs(count):
    parts = (X, Y, Y / 2)[:count]
    found = list(index_examples(source(*parts)))
    assert len(found) == 6
    for number, example in enumerate(found):
        assert len(example) == count
        assert set(example[0]) == {"example_index", "inputs"}
        assert example[0]["example_index"].dtype == tf.int64
        assert example[0]["example_index"].shape == ()
        assert int(example[0]["example_index"]) == number
        np.testing.assert_array_equal(example[0]["inputs"], X[number])
        for part, value in zip(parts[1:], example[1:], strict=True):
            assert float(value) == part[number]


def test_numbers_stay_with_examples_that_are_shuffled_repeated_and_batched():
    data = index_examples(source(X, Y)).shuffle(6, seed=1).repeat(2).batch(4)
    order = []
    for x, y in data:
        np.testing.assert_array_equal(y, 10 * x["example_index"])
        np.testing.assert_array_equal(x["inputs"], X[x["example_index"]])
        order += list(x["example_index"].numpy())
    assert sorted(order) == sorted([*range(6)] * 2)
    assert order[:6] != list(range(6))


def test_inputs_may_be_a_structure():
    data = index_examples(source({"a": X, "b": (Y, Y)}, Y))
    x, _ = next(iter(data.skip(3)))
    assert set(x) == {"example_index", "inputs"}
    assert int(x["example_index"]) == 3
    assert int(x["inputs"]["b"][1]) == 30


def test_a_size_that_is_known_stays_known():
    assert int(index_examples(source(X, Y)).cardinality()) == 6


@pytest.mark.parametrize(
    "given",
    [X, (X, Y), tf.data.Dataset.from_tensor_slices(X), None],
    ids=["array", "tuple of arrays", "no tuples", "nothing"],
)
def test_what_is_no_data_set_of_tuples_is_refused(given):
    with pytest.raises(TypeError, match="expects a tf.data.Dataset of tuples"):
        index_examples(given)
