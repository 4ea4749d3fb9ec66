import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, RoundSpec, litert

FORM = FixedPoint(8, 6, overflow="saturate_symmetric")


def make_spec(num_taps=5, **settings):
    rng = np.random.default_rng(num_taps)
    taps = rng.integers(-127, 128, (num_taps, 2, 2))
    signal = FixedPoint(12, 10)
    settings = {"complex": False, "output_format": signal, **settings}
    return FIRSpec(taps, FORM, signal, **settings)


@pytest.mark.parametrize(
    ("profile", "dtype"),
    [("exact", "INT32"), ("fast", "INT16"), ("int8", "INT8")],
)
def test_inputs_and_outputs_have_their_names_and_types(profile, dtype):
    model = litert.to_flatbuffer(
        make_spec(),
        profile=profile,
        batch=3,
        time=9,
        input_name="field",
        output_name="clean",
        description="A filter",
    )
    model = schema.ModelT.InitFromPackedBuf(model)
    (graph,) = model.subgraphs
    (signature,) = model.signatureDefs
    assert model.description == b"A filter"
    assert signature.signatureKey == b"serving_default"
    for found, named, name, shape in (
        (graph.inputs, signature.inputs, b"field", [3, 9, 2]),
        (graph.outputs, signature.outputs, b"clean", [3, 5, 2]),
    ):
        tensor = graph.tensors[found[0]]
        assert (tensor.name, tensor.shape.tolist()) == (name, shape)
        assert tensor.type == getattr(schema.TensorType, dtype)
        assert named[0].name == name
        assert named[0].tensorIndex == found[0]


def test_the_state_of_a_stream_is_named_in_the_signature(dbp_chain):
    model = litert.to_flatbuffer(
        dbp_chain(2, power_taps=3), batch=2, time=9, streaming=True
    )
    model = schema.ModelT.InitFromPackedBuf(model)
    (signature,) = model.signatureDefs
    states = [f"state_{index}".encode() for index in range(9)]
    assert [entry.name for entry in signature.inputs] == [
        b"signal",
        *(state + b"_in" for state in states),
    ]
    assert [entry.name for entry in signature.outputs] == [
        b"filtered",
        *(state + b"_out" for state in states),
    ]


@pytest.mark.parametrize("profile", litert.PROFILES)
def test_the_same_chain_makes_the_same_bytes(profile, dbp_chain):
    first, second = (
        litert.to_flatbuffer(
            ChainSpec.from_json(dbp_chain().to_json()), profile=profile, time=9
        )
        for _ in range(2)
    )
    assert first == second


def test_the_description_names_the_stages(dbp_chain):
    model = litert.to_flatbuffer(make_spec(), time=9)
    assert b"5 real taps of 8 bits, 2 channels of 12 bits to 2 of 12" in model
    stages = [RoundSpec(FORM, dbp_chain().input_format), *dbp_chain(2).stages]
    model = litert.to_flatbuffer(ChainSpec(stages, 4), time=9)
    assert b"Rounding: 4 channels of 8 bits to 10; FIR filter: 5 com" in model
    assert b"; Kerr rotation: taylor2, 4 channels of 10 bits to 10" in model


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"time": 4}, ValueError, "at least 5 samples"),
        ({"time": 0}, ValueError, "`time` to be 1 or greater"),
        ({"time": None}, TypeError, "`time` to be an integer"),
        ({"time": 9, "batch": 0}, ValueError, "`batch` to be 1 or greater"),
        ({"time": 9, "profile": "swift"}, ValueError, "`profile`.*'swift'"),
        (
            {"time": 9, "profile": "fast", "streaming": True},
            ValueError,
            "profile='exact' for a model of a stream",
        ),
        (
            {"time": 9, "profile": "int8", "streaming": True},
            ValueError,
            "for a model of a stream. Received: profile='int8'",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        litert.to_flatbuffer(make_spec(), **arguments)


def test_a_signal_too_short_for_a_later_stage_is_refused(dbp_chain):
    chain = ChainSpec(dbp_chain(power_taps=5).stages[1:2], 2)
    with pytest.raises(ValueError, match="at least 2 samples at stage 0"):
        litert.to_flatbuffer(chain, time=1)


def test_a_block_that_strides_do_not_divide_is_refused():
    spec = make_spec(strides=3)
    match = r"multiple of 3 samples ahead of stage 0 \(FIRSpec\).*: 4 samples"
    with pytest.raises(ValueError, match=match):
        litert.to_flatbuffer(spec, time=4, streaming=True)


@pytest.mark.parametrize("missing", ["flatbuffers", "ai_edge_litert"])
def test_a_missing_package_is_named_with_its_extra(missing, monkeypatch):
    for name in [*sys.modules]:
        if name.split(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"keras_bp\[export\].*" + missing):
        litert.to_flatbuffer(make_spec(), time=9)
    if missing == "ai_edge_litert":
        with pytest.raises(ImportError, match=r"install keras_bp\[export\]"):
            litert.run(b"", np.zeros((1, 9, 2), int))
