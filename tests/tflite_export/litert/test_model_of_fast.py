import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, RoundSpec, litert
from tflite_export.litert._fast import _GraphOps
from tflite_export.litert._fast_program import Scaled
from tflite_export.litert._graph import Graph
from tflite_export.litert._interpreter import open_interpreter
from tflite_export.litert.model_of_fast import _ArrayOps

EVERY = np.arange(-(2**15), 2**15)
# The ends, powers of two and their neighbors, and numbers in between.
OTHERS = np.int64(
    [-(2**15), 2**15 - 1, -1, 0, 1, 2, 3, -255, 256, -8193, 21846]
)


def on_litert(act, a, b, resolver):
    """What an operator makes of two int16 arrays."""
    graph = Graph("int16")
    for name, value in (("a", a), ("b", b)):
        graph.inputs.append(graph.tensor(name, value.shape, 0))
    numbers = [Scaled(tensor, 0) for tensor in graph.inputs]
    graph.outputs = [act(_GraphOps(graph, numbered=True), *numbers).value]
    interpreter = open_interpreter(graph.to_bytes(""), resolver, owner="test")
    for entry, value in zip(
        interpreter.get_input_details(), (a, b), strict=True
    ):
        interpreter.set_tensor(entry["index"], value.astype("int16"))
    interpreter.invoke()
    (entry,) = interpreter.get_output_details()
    return interpreter.get_tensor(entry["index"])


def assert_follows(act, a, b):
    expected = act(_ArrayOps(), Scaled(a, 0), Scaled(b, 0)).value
    for resolver in litert.RESOLVERS:
        y = on_litert(act, a, b, resolver)
        np.testing.assert_array_equal(y, expected, err_msg=resolver)


@pytest.mark.parametrize("shift", [0, 1, 2, 3, 5, 9, 14, 15, 16, 22, 30, 31])
def test_products_are_rounded_twice(shift):
    def act(ops, a, b):
        return ops.multiply(a, b, shift)

    # Over a step of 1, the product of the lowest two would leave int32.
    others = OTHERS[shift == 0 :]
    assert_follows(act, EVERY[:, None], others)
    others = np.broadcast_to(others, (EVERY.size, others.size))
    assert_follows(act, np.broadcast_to(EVERY[:, None], others.shape), others)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shift", [-8, -3, -1, 0, 1, 2, 3, 8, 15, 16])
def test_sums_and_differences_are_rounded_half_away_from_zero(shift, sign):
    def act(ops, a, b):
        return ops.add(a, b, shift, sign)

    others = np.broadcast_to(OTHERS, (EVERY.size, OTHERS.size))
    both = np.broadcast_to(EVERY[:, None], others.shape)
    assert_follows(act, both, others)
    assert_follows(act, EVERY[:, None], OTHERS)


def test_shifts_beyond_what_is_known_are_refused():
    x = Scaled(EVERY, 0)
    for shift in (-1, 32):
        with pytest.raises(ValueError, match=f"products.*2.{shift} times"):
            _ArrayOps().multiply(x, x, shift)
    for shift in (-9, 17):
        with pytest.raises(ValueError, match=f"sums.*2.{shift} times"):
            _ArrayOps().add(x, x, shift)


@pytest.mark.parametrize("power_taps", [1, 3])
@pytest.mark.parametrize("polarizations", [1, 2])
@pytest.mark.parametrize(
    ("bits", "least"), [((6, 10), 48), ((8, 12), 57), ((8, 15), 66)]
)
def test_litert_equals_the_model_and_comes_close_to_the_exact_integers(
    bits, least, polarizations, power_taps, dbp_chain, stimuli
):
    chain = dbp_chain(polarizations, "taylor2", bits, power_taps)
    x = stimuli(chain, 101)
    expected = litert.model_of_fast(chain)(x)
    model = litert.to_flatbuffer(chain, profile="fast", batch=6, time=101)
    for resolver in litert.RESOLVERS:
        y = litert.run(model, x, resolver=resolver)
        np.testing.assert_array_equal(y, expected, err_msg=resolver)
    assert litert.snr(chain, litert.model_of_fast(chain), x[:2]) > least


def test_filters_and_changes_of_format_are_exact(assert_equal_on_all):
    rng = np.random.default_rng(0)
    form, signal = FixedPoint(8, 6), FixedPoint(12, 9)
    stages = [
        RoundSpec(FixedPoint(16, 12), signal),
        FIRSpec(rng.integers(-127, 128, (3, 1, 2, 2)), form, signal, signal),
        FIRSpec(
            rng.integers(-127, 128, (4, 1, 1)),
            form,
            signal,
            FixedPoint(15, 10, signed=False),
            padding="circular",
            complex=False,
        ),
    ]
    chain = ChainSpec(stages, 4)
    assert chain.output_channels == 8
    assert_equal_on_all(chain, profile="fast")


def test_what_the_profile_cannot_is_refused_by_its_stage(dbp_chain):
    for chain, match in (
        (dbp_chain(1, "taylor3"), "'taylor3', in stage 1"),
        (dbp_chain(1, "taylor2", (12, 10)), r"taps from -127.*in stage 0"),
        (dbp_chain(1, "taylor2", (6, 16)), "`power_format`.*in stage 1"),
    ):
        for act in (
            lambda chain=chain: litert.to_flatbuffer(
                chain, profile="fast", time=9
            ),
            lambda chain=chain: litert.model_of_fast(chain)(
                np.zeros((1, 9, 2), int)
            ),
        ):
            with pytest.raises(ValueError, match=match):
                act()


def test_the_model_refuses_samples_out_of_range(dbp_chain):
    with pytest.raises(ValueError, match="from -512 to 511"):
        litert.model_of_fast(dbp_chain())(np.full((1, 9, 2), 512))
