import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import reference
from tflite_export.litert._graph import Graph
from tflite_export.litert._interpreter import open_interpreter
from tflite_export.litert._numbers import Whole
from tflite_export.litert._rounding import round_to
from tflite_export.litert._wide import Arithmetic


def round_products(a, b, fraction_bits, form):
    """The products of two arrays, rounded by LiteRT."""
    graph = Graph("int32")
    net = Arithmetic(graph)
    numbers = []
    for name, value in (("a", a), ("b", b)):
        tensor = graph.tensor(name, value.shape)
        graph.inputs.append(tensor)
        numbers.append(Whole(tensor, int(value.min()), int(value.max())))
    rounded = round_to(net, net.multiply(*numbers), fraction_bits, form)
    assert form.minimum_integer <= rounded.low
    assert rounded.high <= form.maximum_integer
    graph.outputs = [rounded.tensor]
    interpreter = open_interpreter(graph.to_bytes(""), "builtin", owner="test")
    for entry, value in zip(
        interpreter.get_input_details(), (a, b), strict=True
    ):
        interpreter.set_tensor(entry["index"], value.astype("int32"))
    interpreter.invoke()
    (entry,) = interpreter.get_output_details()
    return interpreter.get_tensor(entry["index"])


def factors(bits):
    """Pairs whose products lie on, and next to, every power of two."""
    rng = np.random.default_rng(bits)
    a = rng.integers(-(2**bits), 2**bits, 2000)
    b = rng.integers(-(2**bits), 2**bits, 2000)
    powers = 2 ** np.arange(bits + 1)
    ends = np.concatenate([powers, powers - 1, powers + 1])
    ends = np.concatenate([ends, -ends])
    near_a, near_b = np.meshgrid(ends, ends)
    return (
        np.concatenate([a, near_a.ravel()]),
        np.concatenate([b, near_b.ravel()]),
    )


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", [5, 15, 16, 19])
def test_products_in_one_and_two_limbs_round_as_the_reference(
    bits, rounding, overflow
):
    a, b = factors(bits)
    for word_length, signed in ((4, True), (16, True), (16, False), (9, False)):
        for shift in (-20, -3, 0, 1, 7, 8, 9, 2 * bits, 41, 70):
            form = FixedPoint(
                word_length,
                fraction_bits=-shift if abs(shift) < 60 else -60,
                signed=signed,
                rounding=rounding,
                overflow=overflow,
            )
            fraction = shift + form.fraction_bits
            y = round_products(a, b, fraction, form)
            expected = reference.round_to(a * b, fraction, form)
            np.testing.assert_array_equal(y, expected, err_msg=str(form))
