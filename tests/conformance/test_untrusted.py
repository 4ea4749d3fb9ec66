"""A `.keras` file or a configuration from an untrusted place runs no code."""

import base64
import copy
import json
import marshal
import sys
import types
import zipfile

import keras
import numpy as np
import pytest
from layer_rows import ROWS

from keras_bp import losses, training
from keras_bp.layers import BinaryNeuron, CostNode, StochasticNode

# What the payloads below would do, if anyone ran them.
RAN = types.ModuleType("keras_bp_ran")
RAN.calls = []
RAN.call = lambda *args, **kwargs: RAN.calls.append(args)
CODE = compile("lambda *a: __import__('keras_bp_ran').call()", "x", "eval")
CODE = next(c for c in CODE.co_consts if isinstance(c, types.CodeType))
PAYLOADS = [
    {
        "class_name": "__lambda__",
        "config": {
            "value": [
                base64.b64encode(marshal.dumps(CODE)).decode(),
                None,
                None,
            ]
        },
    },
    {
        "module": "keras_bp_ran",
        "class_name": "function",
        "config": "call",
        "registered_name": "call",
    },
    {
        "module": "builtins",
        "class_name": "function",
        "config": "exec",
        "registered_name": "exec",
    },
    {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "name": "x",
            "function": {
                "class_name": "__lambda__",
                "config": {
                    "code": base64.b64encode(marshal.dumps(CODE)).decode(),
                    "defaults": None,
                    "closure": None,
                },
            },
        },
        "registered_name": None,
    },
]


@pytest.fixture(autouse=True)
def ran(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_bp_ran", RAN)
    RAN.calls.clear()
    yield RAN.calls


def poisoned(config, payloads=PAYLOADS, everywhere=True):
    """The configuration with a payload in one place, for each in turn.

    Places are all, or those of serialized objects alone.
    """

    def places(node, path=()):
        pairs = ()
        if isinstance(node, dict):
            pairs = node.items()
        elif isinstance(node, list):
            pairs = enumerate(node)
        for key, value in pairs:
            if everywhere or (isinstance(value, dict) and "module" in value):
                yield (*path, key)
            yield from places(value, (*path, key))

    for path in list(places(config)):
        for payload in payloads:
            changed = copy.deepcopy(config)
            node = changed
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = payload
            yield path, changed


def held(value, seen=None):
    """All that an object holds, to any depth of the package's own."""
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen
    seen[id(value)] = value
    parts = ()
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    elif type(value).__module__.startswith("keras_bp"):
        parts = vars(value).values()
    for part in parts:
        held(part, seen)
    return seen


def check(make, configs, ran):
    """Makes an object of each poisoned configuration."""
    for path, changed in configs:
        try:
            found = make(changed)
        except Exception:
            continue
        finally:
            assert ran == [], path
        # Nor does it hold what a later call would run.
        callables = [x for x in held(found).values() if callable(x)]
        assert RAN.call not in callables and exec not in callables, path


@pytest.mark.parametrize(
    "row", {row.cls: row for row in ROWS}.values(), ids=lambda row: row.name
)
def test_no_configuration_of_a_layer_runs_code(row, ran):
    layer = row.cls(**row.arguments)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    check(keras.saving.deserialize_keras_object, poisoned(config), ran)


def test_a_payload_that_is_trusted_does_run(ran):
    # So that the tests above can fail.
    found = keras.saving.deserialize_keras_object(PAYLOADS[0], safe_mode=False)
    found()
    assert len(ran) == 1


def _net():
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)]
    )


def _graph():
    inputs = keras.Input((3,))
    bits = StochasticNode("bernoulli", estimator="rloo")(
        keras.layers.Dense(2)(inputs)
    )
    cost = CostNode("mean_squared_error")([inputs, keras.layers.Dense(3)(bits)])
    model = training.BackpropQModel(inputs, cost)
    model.compile("sgd", critic=training.CriticOptions(units=(3,)))
    model.fit(np.ones((2, 3), "float32"), verbose=0)
    return model


def _gan():
    model = training.SpectralGAN(
        keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(3), BinaryNeuron()]
        ),
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]),
        critic_schedule=1,
        penalty=losses.SpectralPenalty("trace"),
    )
    model.compile()
    return model


def _compiled(model):
    model.compile("sgd", "mse")
    return model


MODELS = {
    "ImplicitModel": lambda: _compiled(training.make_implicit(_net())),
    "LagrangianModel": lambda: _compiled(
        training.LagrangianModel(_net(), inner_steps=4)
    ),
    "DifferenceTargetPropagationModel": lambda: _compiled(
        training.DifferenceTargetPropagationModel(_net())
    ),
    "BackpropQModel": _graph,
    "SpectralGAN": _gan,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_no_file_of_a_model_runs_code(name, ran, tmp_path):
    path = tmp_path / "model.keras"
    MODELS[name]().save(path)
    with zipfile.ZipFile(path) as archive:
        files = {x: archive.read(x) for x in archive.namelist()}
    config = json.loads(files["config.json"])

    def load(changed):
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in files.items():
                if file == "config.json":
                    content = json.dumps(changed)
                archive.writestr(file, content)
        return keras.models.load_model(path)

    load(config)
    check(load, poisoned(config, PAYLOADS[:2], everywhere=False), ran)
