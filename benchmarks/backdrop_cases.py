"""What `benchmarks.backdrop` times: networks, masks, and their steps."""

import dataclasses
import functools
import statistics

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks import results, timing
from keras_bp.layers import BackdropMask
from keras_bp.surgery import insert_backdrop

CUT = "features"
_SEED = 0


@dataclasses.dataclass(frozen=True)
class Setting:
    """A network with a trunk below a head, and how it is trained.

    Attributes:
        name: String, `"conv"` or `"mlp"`.
        batch: Integer.
        widths: Tuple of integers, channels or units of the trunk.
        shape: Tuple, of an example.
        rate: Float, of the mask after the trunk.
        dtype: String, of the weights.
        seconds_per_round: Float, of a timing.
    """

    name: str
    batch: int
    widths: tuple
    shape: tuple
    rate: float = 0.9
    dtype: str = "float32"
    seconds_per_round: float = 0.1

    @property
    def title(self):
        shape = "x".join(map(str, self.shape))
        return f"{self.name} {shape}, batch {self.batch}"

    def model(self):
        """The network, without a mask; `CUT` is the last layer of the trunk."""
        keras.utils.set_random_seed(_SEED)
        make = {"conv": _conv_trunk, "mlp": _mlp_trunk}[self.name]
        return keras.Sequential(
            [
                keras.Input(self.shape, dtype=self.dtype),
                *make(self.widths, self.dtype),
                layers.Dense(1, name="score", dtype=self.dtype),
            ]
        )

    def batch_of_data(self):
        """Examples, of which the first tenth is positive."""
        x = tf.random.stateless_normal((self.batch, *self.shape), [1, 2])
        return tf.cast(x, self.dtype)

    @property
    def positives(self):
        """How many of a batch are positive."""
        return max(1, self.batch // 10)


CONV = Setting("conv", 256, (32, 64, 128, 128), (32, 32, 3))
MLP = Setting("mlp", 1024, (1024, 1024), (784,))


def _conv_trunk(widths, dtype):
    for index, width in enumerate(widths):
        strides = 1 if index == 0 else 2
        yield layers.Conv2D(
            width, 3, strides, "same", activation="relu", dtype=dtype
        )
    yield layers.GlobalAveragePooling2D(name=CUT, dtype=dtype)


def _mlp_trunk(widths, dtype):
    names = [None] * (len(widths) - 1) + [CUT]
    for width, name in zip(widths, names, strict=True):
        yield layers.Dense(width, activation="relu", name=name, dtype=dtype)


def pair_loss(scores, positives):
    """How often a negative is above a positive, smoothed: AUC from below.

    It is a mean over pairs, and no sum over samples.
    """
    margins = tf.transpose(scores[:positives]) - scores[positives:]
    return tf.reduce_mean(tf.sigmoid(-margins))


def gradients_of(model, setting):
    """Function of a batch: the gradients of all weights."""
    weights = model.trainable_variables

    def function(x):
        with tf.GradientTape() as tape:
            scores = model(x, training=True)
            loss = pair_loss(scores, setting.positives)
        return tape.gradient(loss, [v.value for v in weights])

    return function


def step_of(model, jit_compile, setting):
    """Function that runs one step of training and waits for it."""
    find = gradients_of(model, setting)
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9)
    optimizer.build(model.trainable_variables)
    data = setting.batch_of_data()

    @tf.function(jit_compile=jit_compile)
    def step(x):
        optimizer.apply(find(x), model.trainable_variables)
        return model.trainable_variables[-1].value

    return lambda: step(data).numpy()


def compact_pair(setting):
    """The network with a mask after its trunk, and its compact form.

    Args:
        setting: `Setting`.

    Returns:
        Pair of models that share their weights.
    """
    model = setting.model()
    mask = {CUT: {"rate": setting.rate, "seed": _SEED}}
    return insert_backdrop(model, mask), insert_backdrop(model, mask, True)


def compact_row(setting, jit_compile, rounds):
    """How many times faster a whole step is that is compact."""
    whole, compact = compact_pair(setting)
    found = timing.compare(
        {
            "whole": step_of(whole, jit_compile, setting),
            "compact": step_of(compact, jit_compile, setting),
        },
        rounds=rounds,
        seconds_per_round=setting.seconds_per_round,
    )
    ratios = timing.ratios(found, "whole", "compact")
    took = {name: 1e3 * statistics.median(found[name]) for name in found}
    return results.row(
        f"compact, rate {setting.rate:g}",
        f"speed of a step, {setting.title}, {_mode(jit_compile)}",
        statistics.median(ratios),
        "times",
        samples=ratios,
        against=f"the mask alone ({took['whole']:.1f} ms; compact "
        f"{took['compact']:.1f} ms)",
        aim=">= 2.00",
    )


def _mode(jit_compile):
    return "XLA" if jit_compile else "graph"


def difference_row(setting, aim):
    """How far the gradients under one mask are apart, the largest being 1."""
    whole, compact = compact_pair(setting)
    layer = compact.get_layer(f"{CUT}_backdrop")
    state = layer.seed_generator.state.numpy()
    rows, factor = layer.survivors(setting.batch)
    layer.seed_generator.state.assign(state)
    mask = np.zeros((setting.batch, 1), setting.dtype)
    mask[np.asarray(rows)] = factor
    whole.get_layer(f"{CUT}_backdrop").forced_mask = tf.constant(mask)
    data = setting.batch_of_data()
    found = [
        tf.function(gradients_of(model, setting))(data)
        for model in (whole, compact)
    ]
    apart = max(
        float(tf.reduce_max(abs(a - b)) / tf.reduce_max(abs(a)))
        for a, b in zip(*found, strict=True)
    )
    return results.row(
        "compact, same survivors",
        f"difference of gradients, {setting.title}, {setting.dtype}",
        apart,
        "of the largest entry",
        against="the mask alone",
        aim=aim,
    )


MASKS = {
    "none": layers.Identity,
    "Dropout": functools.partial(layers.Dropout, 0.5, seed=_SEED),
    "sample": functools.partial(BackdropMask, 0.5, seed=_SEED),
    "spatial": functools.partial(BackdropMask, 0.5, "spatial", seed=_SEED),
}


def masked_model(setting, mask):
    """The network with a layer of `MASKS` after the first of its trunk."""
    first, *others = setting.model().layers
    return keras.Sequential(
        [keras.Input(setting.shape), first, MASKS[mask](), *others]
    )


def mask_rows(setting, jit_compile, rounds):
    """What a mask costs a step, against Dropout there and against nothing."""
    found = timing.compare(
        {
            mask: step_of(masked_model(setting, mask), jit_compile, setting)
            for mask in MASKS
        },
        rounds=rounds,
        seconds_per_round=setting.seconds_per_round,
    )
    took = {name: 1e3 * statistics.median(found[name]) for name in found}
    made = []
    for mask in ("sample", "spatial"):
        for rival in ("Dropout", "none"):
            ratios = timing.ratios(found, mask, rival)
            against = rival if rival == "Dropout" else "no mask"
            made.append(
                results.row(
                    f"BackdropMask {mask}",
                    f"step beside {against}, {setting.title}, "
                    f"{_mode(jit_compile)}",
                    statistics.median(ratios),
                    "times",
                    samples=ratios,
                    against=f"{against} ({took[rival]:.1f} ms)",
                    aim="<= 1.10" if rival == "Dropout" else None,
                )
            )
    return made
