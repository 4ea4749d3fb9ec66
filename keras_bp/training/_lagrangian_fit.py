"""How data reach a `LagrangianModel`, and what ends its training."""

import inspect
import sys

import keras
import numpy as np

from keras_bp.training._lagrangian_step import WRONG_INDEX
from keras_bp.training._lagrangian_tables import (
    INDEX,
    INPUTS,
    split,
    wrong_index,
)

_OWNER = "LagrangianModel"
_ADVICE = (
    "Fit arrays, or a tf.data.Dataset whose examples "
    "keras_bp.training.index_examples has numbered before they are shuffled "
    "and batched"
)


def has_arrays(x):
    """Whether `x` is a structure of arrays or tensors."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)


def check_compiled(model, what):
    """Raises `ValueError` where the slots of the optimizers are not known."""
    if not model.compiled:
        raise ValueError(
            f"{_OWNER} expects `compile` before {what}: its optimizers say "
            "how much is kept of an example. Received: a model that is not "
            "compiled"
        )


def number_arrays(model, x):
    """Arrays with the index of each example, for which there are tables."""
    index, inputs = split(x)
    count = len(keras.tree.flatten(inputs)[0])
    if model.tables is None:
        model.make_tables(model.num_examples or count)
    if index is not None:
        return x
    if model.num_examples != count:
        raise ValueError(
            f"{_OWNER} holds states of {model.num_examples} examples, and "
            "expects to go on with the same data set. Received: "
            f"{count} examples. Wrap the model anew for another set, or give "
            f"the examples the numbers they had. {_ADVICE}."
        )
    return {INDEX: np.arange(count, dtype="int32"), INPUTS: x}


def check_index(model, index):
    """Raises `ValueError` unless a batch says which examples it holds."""
    if index is None:
        raise ValueError(
            f'{_OWNER} with states="persistent" expects each batch to hold '
            f"the numbers of its examples. Received: none. {_ADVICE}."
        )
    if model.tables is None:
        raise ValueError(
            f'{_OWNER} with states="persistent" expects `num_examples` for a '
            "data set whose size it cannot see. Received: num_examples=None"
        )


def check_numbers(model, x):
    """Raises `ValueError` unless there are states of numbered examples.

    Args:
        model: `LagrangianModel`.
        x: What `split` takes, of arrays; without numbers all is well.
    """
    index, _ = split(x)
    if index is None or model.states != "persistent":
        return
    if model.tables is None:
        raise ValueError(
            f"{_OWNER} keeps no states of these examples yet: fit it, or give "
            "it `num_examples`. Received: numbers of examples, and "
            "num_examples=None"
        )
    if keras.ops.convert_to_numpy(wrong_index(index, model.num_examples)):
        raise ValueError(_wrong_numbers(model))


def _wrong_numbers(model, then=""):
    return (
        f"{_OWNER} expects the examples of a batch to have different "
        f"numbers, from 0 to {model.num_examples - 1}. Received: others"
        f"{then}. {_ADVICE}."
    )


def check_trouble(model):
    """Raises if a step was not taken, and forgets it.

    Raises:
        FloatingPointError: The states or the loss have diverged.
        ValueError: A batch held wrong numbers of examples.
    """
    trouble = int(keras.ops.convert_to_numpy(model.trouble))
    if not trouble:
        return
    model.trouble.assign(0)
    if trouble == WRONG_INDEX:
        raise ValueError(_wrong_numbers(model, "; that step was not taken"))
    steps = int(keras.ops.convert_to_numpy(model.steps))
    raise FloatingPointError(
        f"{_OWNER} diverged at or before step {steps}: the loss or a residual "
        "is not finite, or above 1e6. The weights are those before it. Use a "
        "larger `rho`, smaller rates of `state_optimizer` and "
        "`multiplier_optimizer` (or none, for rates that fit the model), "
        '`stabilizer="extragradient"`, or a smaller rate of `optimizer`; and '
        "see that the data are finite."
    )


class LagrangianFitting:
    """Methods of `LagrangianModel` that take steps."""

    def fit(self, *args, **kwargs):
        """As `keras.Model.fit`; numbers arrays for persistent states.

        Raises:
            FloatingPointError: The loss or a residual was not finite, or above
                a million; that step was not taken.
            ValueError: A batch held wrong numbers of examples, or none, for
                persistent states.
        """
        history = super().fit(**prepared(self, args, kwargs))
        # A `CallbackList` has no `Guard`.
        check_trouble(self)
        return history

    def train_on_batch(self, *args, **kwargs):
        """As `keras.Model.train_on_batch`; a step not taken is an error.

        Raises:
            FloatingPointError: As of `fit`.
            ValueError: As of `fit`.
        """
        logs = super().train_on_batch(*args, **kwargs)
        check_trouble(self)
        return logs


class Guard(keras.callbacks.Callback):
    """Ends a training whose steps are not taken any more."""

    def on_train_batch_end(self, batch, logs=None):
        check_trouble(self.model)


def prepared(model, args, kwargs):
    """The arguments of `fit`, with numbered examples and a `Guard`.

    Callbacks that are a `CallbackList` already stay as they are.
    """
    signature = inspect.signature(keras.Model.fit)
    given = dict(signature.bind(model, *args, **kwargs).arguments)
    given.pop(next(iter(signature.parameters)))
    x = given.get("x")
    if model.states == "persistent" and has_arrays(x):
        check_compiled(model, "`fit`")
        given["x"] = number_arrays(model, x)
    if model.tables is not None and given.get("verbose", "auto"):
        sys.stdout.write(told_memory(model) + "\n")
    callbacks = given.get("callbacks")
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = keras.tree.flatten(callbacks) if callbacks else []
        given["callbacks"] = [Guard(), *callbacks]
    return given


def told_memory(model):
    """A sentence on the memory of the tables."""
    count = model.distribute_strategy.num_replicas_in_sync
    where = f" on each of {count} replicas" if count > 1 else ""
    return (
        f"States of {model.num_examples} examples take "
        f"{model.state_memory() / 2**20:.1f} MiB{where}."
    )
