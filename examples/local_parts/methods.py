"""The ways of training that are compared, each with one setting for all."""

import keras

from keras_bp.training import LagrangianModel

BACKPROP = "backprop"
DEFAULTS = ("lin", "abs")
# What `LagrangianModel` is given; what is not here is its default.
SETTINGS = {
    "lin": {},
    "abs": {"constraint": "abs"},
    "eps": {"constraint": "eps", "epsilon": 0.01},
    "lineps": {"constraint": "lineps", "epsilon": 0.01},
    "squared": {"constraint": "squared"},
    "cubic": {"constraint": "cubic"},
    "phr": {"constraint": "abs", "inequality": "phr", "epsilon": 0.1},
    "optimistic": {"stabilizer": "optimistic"},
    "extragradient": {"stabilizer": "extragradient"},
    "persistent": {"states": "persistent"},
    "persistent_abs": {"states": "persistent", "constraint": "abs"},
    # As first tried: one step of Adam for all unknowns, which keep still.
    "adam_states": {
        "states": "persistent",
        "transport": False,
        "inner_steps": 1,
    },
}
NAMES = (BACKPROP, *SETTINGS)


def make(name, network, examples):
    """Function that returns a compiled model.

    Args:
        name: String, of `NAMES`.
        network: Function that returns a model.
        examples: Integer, for persistent states.
    """

    def made():
        model = network()
        arguments = {
            "optimizer": keras.optimizers.Adam(),
            "loss": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True
            ),
            "jit_compile": True,
        }
        if name == BACKPROP:
            model.compile(**arguments)
            return model
        model = LagrangianModel(
            model,
            **SETTINGS[name],
            num_examples=examples if keeps_states(name) else None,
        )
        if name == "adam_states":
            arguments["state_optimizer"] = keras.optimizers.Adam(0.01)
            arguments["multiplier_optimizer"] = keras.optimizers.Adam(0.001)
        model.compile(**arguments)
        return model

    return made


def keeps_states(name):
    """Whether a method has something of each example."""
    return SETTINGS.get(name, {}).get("states") == "persistent"
