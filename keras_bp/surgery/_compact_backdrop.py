"""A trunk whose backward pass runs for the survivors of a batch alone."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer


@serializable
class CompactBackdrop(SeededLayer, keras.layers.Layer):
    r"""Runs a trunk forward for all samples, and backward for a few of them.

    Forward, :math:`y = f(x)` for the whole batch, without a tape. In training
    :math:`K` of the :math:`N` samples are drawn, and computed a second time
    with a tape. Backward, with the indices :math:`s` of the survivors,

    .. math:: \frac{\partial L}{\partial \theta} = \frac{N}{K}
        \sum_{i \in s} \frac{\partial L}{\partial y_i}
        \frac{\partial f(x_i)}{\partial \theta}:

    the gradient of a `BackdropMask` after the trunk with the same survivors,
    of which each value comes from the same formula. The number of survivors
    is fixed, :math:`K = \max(1, [(1 - r) N])` with the nearest integer,
    instead of binomial: with :math:`\sum m = N` and symmetry,
    :math:`E[m] = 1` as before.

    Args:
        trunk: Sequential or functional model with one output, in which each
            sample is computed from that sample alone.
        rate: Float in [0, 1), the part of the samples that is dropped.
        seed: Integer or None.

    Call arguments:
        inputs: The tensor that the trunk takes, or a list of them.
        training: Boolean, whether the layer is in training mode.

    Raises:
        ValueError: In training, the trunk has noise, a state, or a loss of
            its own; see `check_trunk`.
    """

    def __init__(self, trunk, rate, seed=None, **kwargs):
        # The layers of the trunk cast by their own policies.
        super().__init__(autocast=False, **kwargs)
        _checks.check_rate("rate", rate, owner=type(self).__name__)
        self.trunk = trunk
        self.rate = float(rate)
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = _random.seed_generator(seed, self)

    def build(self, input_shape):
        # The trunk is built: it is a model with inputs.
        pass

    def call(self, inputs, training=False):
        if not training or self.rate == 0.0:
            return self.trunk(inputs)
        everything, problem = _without_tape(self.trunk, inputs)
        if problem:
            raise ValueError(f"{type(self).__name__} {problem}")
        n = ops.shape(keras.tree.flatten(inputs)[0])[0]
        rows, factor = self.survivors(n)
        chosen = keras.tree.map_structure(lambda x: _rows_of(x, rows), inputs)
        again = self.trunk(chosen, training=True)
        outputs = _replace(again, everything, rows, factor)
        # That of timesteps, which Keras keeps beside a tensor.
        mask = getattr(everything, "_keras_mask", None)
        if mask is not None:
            outputs._keras_mask = mask
        return outputs

    def survivors(self, n):
        r"""Draws the indices of the survivors.

        Args:
            n: Integer or scalar integer tensor, the number of samples.

        Returns:
            Pair of the indices and :math:`N/K`.
        """
        order = ops.argsort(_random.uniform((n,), self.seed_generator))
        kept = 1.0 - self.rate
        if isinstance(n, int):
            k = min(n, max(1, round(kept * n)))
            return order[:k], n / max(1, k)
        # In double precision, to round as Python does where N is known.
        wide = ops.cast(n, "float64")
        k = ops.maximum(ops.round(kept * wide), 1.0)
        return order[: ops.cast(k, "int32")], wide / k

    def compute_mask(self, inputs, previous_mask=None):
        # That of the trunk's output is on it already, if there is one.
        return None

    def compute_output_spec(self, *args, **kwargs):
        return self.trunk.compute_output_spec(args[0])

    def compute_output_shape(self, input_shape):
        return self.trunk.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "trunk": keras.saving.serialize_keras_object(self.trunk),
            "rate": self.rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        trunk = keras.saving.deserialize_keras_object(config["trunk"])
        return cls(**{**config, "trunk": trunk})


def check_trunk(trunk, owner):
    """Raises where computing rows again would give something else.

    Args:
        trunk: Sequential or functional model.
        owner: String, for the message.

    Raises:
        ValueError: In training the trunk draws noise, changes a state, as
            batch normalization does, or adds a loss.
    """
    trial = _Trial(trunk)
    trial(*trunk.inputs)
    if trial.problem:
        raise ValueError(f"{owner} {trial.problem}")
    if not _computes_each_alone(trunk):
        raise ValueError(
            f"{owner} expects a trunk that computes each sample from that "
            "sample alone. Received: one whose values differ when fewer "
            "samples are in the batch, as those of a layer that compares "
            "samples do. Insert the mask below it, or use `compact=False`."
        )


def _computes_each_alone(trunk):
    """Whether two of three random samples are as they are by themselves."""
    rng, rows = np.random.default_rng(0), [2, 0]
    shapes = [[d or 8 for d in x.shape[1:]] for x in trunk.inputs]
    batch = [
        rng.random((3, *shape))
        .round(0 if "int" in str(x.dtype) else 3)
        .astype(keras.backend.standardize_dtype(x.dtype))
        for x, shape in zip(trunk.inputs, shapes, strict=True)
    ]

    def values(part):
        given = [ops.convert_to_tensor(x) for x in part]
        found = trunk(given[0] if len(given) == 1 else given, training=False)
        return ops.convert_to_numpy(ops.cast(found, "float32"))

    whole, few = values(batch), values([x[rows] for x in batch])
    return len(whole) == 3 and np.allclose(
        whole[rows], few, rtol=0.05, atol=1e-3
    )


class _Trial(keras.Operation):
    """Runs a trunk on symbolic tensors, and keeps what stands against it."""

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk
        self.problem = None

    def call(self, *inputs):
        inputs = inputs[0] if len(inputs) == 1 else list(inputs)
        outputs, self.problem = _without_tape(self.trunk, inputs)
        return outputs


def _without_tape(trunk, inputs):
    """What a trunk returns in training, and what it does beside that.

    Without a gradient, so that no tape keeps a value; without an effect on
    any variable.

    Returns:
        Tuple of the output and a description of a problem, or None.
    """
    inputs = keras.tree.map_structure(ops.stop_gradient, inputs)
    values = [(v, ops.stop_gradient(v)) for v in trunk.variables]
    with keras.StatelessScope(values, collect_losses=True) as scope:
        before = dict(scope.state_mapping)
        outputs = trunk(inputs, training=True)
        after = scope.state_mapping
        changed = {
            key for key, value in after.items() if before.get(key) is not value
        }
        if keras.backend.backend() == "torch":
            # A generator without a seed stands still: PyTorch draws by its own.
            weights = {id(v) for v in trunk.weights}
            changed |= {id(v) for v in trunk.variables} - weights
        problem = None
        if changed:
            problem = _told(trunk, changed)
        elif scope.losses:
            problem = _PROBLEM.format(
                what="adds a loss for its values, as an activity regularizer "
                "does",
                names=_loss_layers(trunk) or "one whose `call` adds it",
                why="it would count twice",
            )
    return outputs, problem


_PROBLEM = (
    "expects a trunk that gives a sample the same values when it is computed "
    "again among others. Received: a layer that {what}: {names}, where {why}. "
    "Freeze it (`trainable = False`) if that is batch normalization, insert "
    "the mask below it, or use `compact=False`."
)


def _told(trunk, changed):
    names = [
        layer.name
        for layer in _leaves(trunk)
        if any(id(v) in changed for v in layer.variables)
    ]
    return _PROBLEM.format(
        what="draws noise or changes a state in training",
        names=", ".join(dict.fromkeys(names))
        or "one whose noise has no seed generator of its own",
        why="the second time would not be like the first",
    )


def _loss_layers(trunk):
    return ", ".join(
        layer.name
        for layer in _leaves(trunk)
        if getattr(layer, "activity_regularizer", None) is not None
    )


def _leaves(layer):
    """The layers of a model that are no models, in order."""
    if not isinstance(layer, keras.Model):
        return [layer]
    return [leaf for each in layer.layers for leaf in _leaves(each)]


def _rows_of(x, rows):
    # Through a reshape: the gradient of a gather alone is sparse on
    # TensorFlow, and whoever asks for that of the inputs expects a tensor.
    return ops.take(ops.reshape(x, ops.shape(x)), rows, axis=0)


def _replace(again, everything, rows, factor):
    """`everything`, with the gradient of `again` in the given rows."""

    @ops.custom_gradient
    def splice(again):
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            wide = upstream.dtype
            if keras.backend.standardize_dtype(wide) != "float64":
                wide = "float32"
            kept = ops.cast(ops.take(upstream, rows, axis=0), wide)
            # A cast of a number would go through single precision.
            weight = ops.cast(ops.convert_to_tensor(factor, wide), wide)
            return ops.cast(kept * weight, upstream.dtype)

        return ops.copy(everything), grad

    return splice(again)
