"""Penalties of weights that are part of a proximal problem."""

import keras

_WITH_L2 = (keras.regularizers.L2, keras.regularizers.L1L2)
_NAMES = ("kernel", "bias", "recurrent", "embeddings", "gamma", "beta")


def l2_decays(layers):
    """Factors of L2 penalties, 0 for others, by the id of the weight."""
    found = {}
    for layer in layers:
        holder = getattr(layer, "cell", layer)
        for name in _NAMES:
            rule = getattr(holder, f"{name}_regularizer", None)
            if rule is not None:
                known = isinstance(rule, _WITH_L2)
                kernel = "recurrent_kernel" if name == "recurrent" else name
                factor = 2.0 * float(rule.l2) if known else 0.0
                found[id(getattr(holder, kernel))] = factor
    return found
