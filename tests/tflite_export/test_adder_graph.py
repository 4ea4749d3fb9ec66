import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bp.ops import signed_digits
from tflite_export._adder_sharing import digit_terms
from tflite_export.adder_graph import AdderGraph, bit_width, full_adders

matrices = st.integers(1, 3).flatmap(
    lambda outputs: st.integers(1, 6).flatmap(
        lambda inputs: st.lists(
            st.lists(
                st.integers(-(2**11), 2**11), min_size=inputs, max_size=inputs
            ),
            min_size=outputs,
            max_size=outputs,
        )
    )
)


def complex_filter(pairs, bits, seed=0):
    """The matrix of pre-added I and Q to I' and Q' of random taps."""
    half = 1 << (bits - 1)
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-half, half, (2, pairs))
    return np.block([[a, -b], [b, a]])


@settings(max_examples=150, deadline=None)
@given(matrices, st.integers(0, 2**32 - 1))
def test_it_equals_the_matrix_product(matrix, seed):
    graph = AdderGraph(matrix, (-512, 511))
    rng = np.random.default_rng(seed)
    x = rng.integers(-512, 512, (20, graph.inputs))
    np.testing.assert_array_equal(graph(x), x @ np.array(matrix).T)


@settings(max_examples=50, deadline=None)
@given(matrices, st.data())
def test_the_ranges_are_exact(matrix, data):
    inputs = len(matrix[0])
    pairs = [
        sorted(data.draw(st.tuples(*2 * [st.integers(-20, 20)])))
        for _ in range(inputs)
    ]
    graph = AdderGraph(matrix, pairs)
    corners = np.array(np.meshgrid(*pairs)).reshape(inputs, -1).T
    nodes = list(corners.T)
    for place, adder in enumerate(graph.adders):
        left = 0 if adder.left is None else nodes[adder.left]
        right = nodes[adder.right] << adder.right_shift
        value = (left << adder.left_shift) + (
            -right if adder.subtract else right
        )
        nodes.append(value)
        assert (adder.low, adder.high) == (value.min(), value.max())
        assert graph.node_range(inputs + place) == (adder.low, adder.high)
        low, high = -(1 << adder.width - 1), (1 << adder.width) - 1
        assert low <= adder.low and adder.high <= high


@settings(max_examples=50, deadline=None)
@given(matrices)
def test_it_takes_no_more_adders_than_digits(matrix):
    graph = AdderGraph(matrix, (-8, 7))
    digits = signed_digits(matrix).sum(axis=1)
    negations = [adder for adder in graph.adders if adder.left is None]
    assert len(graph.adders) - len(negations) <= np.maximum(digits - 1, 0).sum()
    # Only where no digit is positive.
    assert len(negations) <= len(matrix)


def test_common_sums_are_shared():
    # 5 = 4 + 1 in both rows, and at another shift in the second.
    graph = AdderGraph([[5, 1], [20, -1]], (-8, 7))
    assert len(graph.adders) == 3
    assert graph.adders[0].left == graph.adders[0].right == 0
    assert [adder.width for adder in graph.adders] == [7, 7, 9]


def test_sharing_halves_the_adders_of_a_complex_filter():
    matrix = complex_filter(5, 8)
    graph = AdderGraph(matrix, (-1024, 1022))
    digits = signed_digits(matrix).sum()
    assert len(graph.adders) < 0.85 * (digits - 2)
    assert graph.adder_bits == sum(adder.bits for adder in graph.adders)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 9, 16])
def test_a_sum_is_a_balanced_tree(count):
    graph = AdderGraph([[1] * count], (0, 1))
    assert len(graph.adders) == count - 1
    assert graph.depth == (count - 1).bit_length()
    assert graph.adders[-1].width == count.bit_length()


def test_numbers_at_other_places_are_a_balanced_tree_too():
    graph = AdderGraph([[1, 2, 4, 8, 16, 32, 64, 128]], (0, 1))
    assert (len(graph.adders), graph.depth) == (7, 3)


@given(st.integers(-(2**40), 2**40))
def test_digits_are_those_of_the_canonical_form(integer):
    terms = digit_terms(integer)
    assert sum(sign << shift for shift, sign in terms) == integer
    assert len(terms) == signed_digits(integer)


def test_late_inputs_are_added_last():
    graph = AdderGraph([[1, 1, 1, 1, 1]], (0, 1), [3, 0, 0, 0, 0])
    assert graph.depth == 4
    assert AdderGraph([[1, 1]], (0, 1), [2, 5]).depth == 6


def test_powers_of_two_and_zeros_take_no_adder():
    graph = AdderGraph([[0, 0], [4, 0], [0, 1]], (-8, 7))
    assert (graph.adders, graph.adder_bits, graph.depth) == ([], 0, 0)
    assert graph(np.array([3, -2])).tolist() == [0, 12, -2]


def test_a_negative_output_is_negated_once():
    graph = AdderGraph([[-4, 0], [-1, -1]], (-8, 7))
    negations = [adder for adder in graph.adders if adder.left is None]
    assert len(negations) == 2
    # -(-8) has a bit more than the input.
    assert negations[0].width == 5
    # With a positive digit, there is none.
    assert len(AdderGraph([[-4, 1]], (-8, 7)).adders) == 1


@pytest.mark.parametrize(
    ("left", "right", "subtract", "expected"),
    [
        (0, 0, False, 8),
        # The low bits of the first number pass.
        (0, 3, False, 5),
        (0, 3, True, 5),
        (3, 0, False, 5),
        # The negated ones do not.
        (3, 0, True, 8),
    ],
)
def test_bits_that_pass_take_no_full_adder(left, right, subtract, expected):
    assert full_adders(8, left, right, subtract) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 0, 1), (0, 1, 1), (0, 8, 4), (-1, 0, 1), (-8, 7, 4), (-8, 8, 5)],
)
def test_widths_are_the_least(low, high, expected):
    assert bit_width(low, high) == expected


def test_equal_matrices_give_equal_graphs():
    matrix = complex_filter(16, 12)
    one, other = (AdderGraph(matrix, (-64, 63)) for _ in range(2))
    assert one.adders == other.adders and one.outputs == other.outputs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 2], (0, 1)), r"\(outputs, inputs\)"),
        ((np.zeros((2, 0), int), (0, 1)), r"\(outputs, inputs\)"),
        (([[1]], (1, 0)), "Received: 1, 0"),
        (([[1, 2]], [(0, 1)] * 3), "each of 2 inputs"),
        (([[1, 2]], [(0, 1), (0, 1, 2)]), "each of 2 inputs"),
        (([[2**61]], (0, 1)), r"below 2\^61"),
        (([[1, 2]], (0, 1), [1]), "`input_depths`"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        AdderGraph(*arguments)


def test_floats_are_refused():
    with pytest.raises(TypeError, match="`matrix` to hold integers"):
        AdderGraph([[0.5]], (0, 1))
    with pytest.raises(TypeError, match="`input_ranges` to be an integer"):
        AdderGraph([[1]], (0, 0.5))
    with pytest.raises(TypeError, match="`inputs` to hold integers"):
        AdderGraph([[1]], (0, 1))(np.array([0.5]))


def test_inputs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\)"):
        AdderGraph([[1, 2]], (0, 1))(np.zeros((2, 3), int))


def test_inputs_out_of_range_are_refused():
    graph = AdderGraph([[1, 2]], [(0, 1), (-4, 3)])
    assert graph(np.array([1, -4])).tolist() == [-7]
    with pytest.raises(ValueError, match="input 1 from -4 to 3.*from 4 to 4"):
        graph(np.array([[1, 4]]))
