"""Values and gradients of every case and row, on the backend at hand.

Run by itself, it writes them to a folder, and a model of each layer beside
them, for a comparison with another backend.
"""

import inspect
import pathlib
import sys

import keras
import numpy as np
from backend_cases import cases
from keras import ops
from layer_rows import ROWS, inputs_of, make, model_of

from keras_bp import _random


def fix_noise(patch=setattr):
    """Every layer draws the same noise, on every backend."""

    def deferred_uniform(shape, seed_generator, dtype="float32"):
        sizes = tuple(int(size) for size in shape)
        noise = np.random.default_rng(7).random(sizes)
        noise = ops.convert_to_tensor(noise.astype(dtype))
        return lambda shape: noise

    patch(_random, "deferred_uniform", deferred_uniform)


def gradients(function, inputs):
    """Gradients of a scalar `function` of tensors in each of them."""
    if keras.backend.backend() == "jax":
        import jax

        return list(jax.grad(function, tuple(range(len(inputs))))(*inputs))
    if keras.backend.backend() == "torch":
        import torch

        inputs = [x.detach().requires_grad_() for x in inputs]
        return list(torch.autograd.grad(function(*inputs), inputs))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    return tape.gradient(value, inputs)


def total(y):
    """A scalar with another derivative at each entry of `y`."""
    return ops.sum(y * y) + ops.sum(y)


def values_of(case):
    """The values of a case, and its gradient, as arrays by their name."""
    given = [ops.convert_to_tensor(array) for array in case.arrays]
    found = case.function(*given)
    parts = found if isinstance(found, (list, tuple)) else [found]
    if hasattr(found, "__dataclass_fields__"):
        parts = [getattr(found, name) for name in found.__dataclass_fields__]
    values = {
        f"value {place}": ops.convert_to_numpy(part)
        for place, part in enumerate(parts)
    }
    if case.differentiable:
        first, *rest = given
        (slope,) = gradients(
            lambda first: total(case.function(first, *rest)), [first]
        )
        values["gradient"] = ops.convert_to_numpy(slope)
    return values


def training_of(row):
    """The mode of a call: training, unless costs are needed for it."""
    parameters = inspect.signature(row.cls.call).parameters
    return {"training": row.trains} if "training" in parameters else {}


def built(row, **kwargs):
    """The layer of a row, with weights that are the same everywhere."""
    layer = make(row, **kwargs)
    layer.build((None, *row.shape[1:]))
    rng = np.random.default_rng(3)
    for weight in layer.trainable_weights:
        drawn = 0.3 * rng.normal(size=weight.shape)
        # A step of rounding stays near the one of the format.
        scalar = len(weight.shape) == 0
        start = ops.convert_to_numpy(weight) if scalar else 0.0
        weight.assign((start + drawn).astype("float32"))
    return layer


def layer_values(row):
    """Output in both modes, and gradients of input and weights."""
    layer, x = built(row), ops.convert_to_tensor(inputs_of(row))
    values = {"output": ops.convert_to_numpy(layer(x))}
    training = training_of(row)
    values["in training"] = ops.convert_to_numpy(layer(x, **training))
    if row.trains:
        found = _layer_gradients(layer, x, training)
        for place, slope in enumerate(found):
            values[f"gradient {place}"] = ops.convert_to_numpy(slope)
    return values


def _layer_gradients(layer, x, training):
    weights = layer.trainable_weights
    values = [weight.value for weight in weights]
    others = [weight.value for weight in layer.non_trainable_variables]
    if keras.backend.backend() == "jax":

        def loss(x, *values):
            return total(
                layer.stateless_call(list(values), others, x, **training)[0]
            )

        return gradients(loss, [x, *values])
    if keras.backend.backend() == "torch":
        import torch

        x = x.detach().requires_grad_()
        return torch.autograd.grad(total(layer(x, **training)), [x, *values])
    return gradients(
        lambda x, *values: total(layer(x, **training)), [x, *values]
    )


def main(folder):
    fix_noise()
    found = {}
    for case in cases():
        for name, value in values_of(case).items():
            found[f"{case.name}/{name}"] = value
    for index, row in enumerate(ROWS):
        for name, value in layer_values(row).items():
            found[f"{row.name}/{name}"] = value
        keras.utils.set_random_seed(0)
        model = model_of(row)
        model.save(folder / f"{index}.keras")
        found[f"{row.name}/model"] = ops.convert_to_numpy(model(inputs_of(row)))
    np.savez(folder / "values.npz", **found)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
