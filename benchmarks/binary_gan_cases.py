"""What `benchmarks.binary_gan` measures of whole batches of training."""

import dataclasses
import statistics

import keras
import numpy as np
import tensorflow as tf

from benchmarks import binary_gan_rivals as rivals
from benchmarks import results, timing
from keras_bp.layers import StochasticNode
from keras_bp.surgery import change_output
from keras_bp.training import BinaryGAN, binary_gan_networks

# What is timed beside the sigmoid end, and what it should keep to.
ENDS = {"dbn": "<= 1.05", "sbn": "<= 1.05", "rloo": None, "disarm": None}
RIVALS = {
    "loop": "a loop by hand in a tf.function",
    "keras": "a keras.Model with a train step by hand",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """Networks and batches.

    Attributes:
        architecture: String, of `keras_bp.training.binary_gan_networks`.
        sample_shape: Tuple of integers.
        batch: Integer, examples in a batch.
        critic_steps: Integer, steps of the discriminator in a batch.
        seconds_per_round: Float, how long one timing lasts at least.
    """

    architecture: str
    sample_shape: tuple = (28, 28, 1)
    batch: int = 64
    critic_steps: int = 5
    seconds_per_round: float = 0.1

    def networks(self, end):
        """Generator with an end of that name, and discriminator."""
        kind = end if end in ("dbn", "sbn") else "real"
        generator, discriminator = binary_gan_networks(
            self.architecture, kind, self.sample_shape, seed=0
        )
        if end in ("rloo", "disarm"):
            samples = 2 if end == "rloo" else 1
            node = StochasticNode("bernoulli", end, samples=samples, seed=0)
            logits = change_output(generator, "logit")
            generator = keras.Model(logits.inputs[0], node(logits.outputs[0]))
        return generator, discriminator

    def batches(self):
        """The same batch of bits for ever; its size is unknown, as in `fit`."""
        shape = (self.batch, *self.sample_shape)
        x = np.random.default_rng(0).integers(0, 2, shape).astype("float32")
        data = tf.data.Dataset.from_tensor_slices(x).batch(self.batch)
        return iter(data.cache().repeat())


def trainer(setting, what, jit_compile):
    """Makes what trains on one batch.

    Args:
        setting: `Setting`.
        what: String, an end of the generator, for `BinaryGAN`, or `"loop"` or
            `"keras"` for another way to train the sigmoid end.
        jit_compile: Boolean, whether XLA compiles it.

    Returns:
        Function without arguments that trains on a batch, and returns the
        losses when it is done.
    """
    steps, batches = setting.critic_steps, setting.batches()
    pair = setting.networks(what)
    if what == "loop":
        step = rivals.hand_written(*pair, steps, jit_compile)
        return lambda: [loss.numpy() for loss in step(next(batches))]
    if what == "keras":
        model = rivals.KerasWGAN(*pair, steps)
        model.compile(jit_compile=jit_compile)
    else:
        model = BinaryGAN(*pair, critic_schedule=steps, seed=0)
        model.compile(rivals.adam(), rivals.adam(), jit_compile=jit_compile)
    model.make_train_function()

    def train():
        logs = model.train_function(batches)
        return [float(value) for value in logs.values()]

    return train


def batch_rows(
    setting, jit_compile, rounds, ends=tuple(ENDS), others=tuple(RIVALS)
):
    """The time of one batch, of all ends and rivals in turns.

    Args:
        setting: `Setting`.
        jit_compile: Boolean, whether XLA compiles all of them.
        rounds: Integer, how often each is timed.
        ends: Tuple of keys of `ENDS`.
        others: Tuple of keys of `RIVALS`.

    Returns:
        List of `results.Row`.
    """
    names = ("real", *ends, *others)
    found = timing.compare(
        {name: trainer(setting, name, jit_compile) for name in names},
        rounds=rounds,
        seconds_per_round=setting.seconds_per_round,
    )
    took = {name: 1e3 * statistics.median(found[name]) for name in names}
    where = _where(setting, "XLA" if jit_compile else "graph")

    def row(name, metric, ratios, against, aim):
        return results.row(
            name,
            f"{metric}, {where}",
            statistics.median(ratios),
            "times",
            samples=ratios,
            against=against,
            aim=aim,
        )

    rows = [
        row(
            f"BinaryGAN, {end} end",
            "batch",
            timing.ratios(found, end, "real"),
            f"a sigmoid end ({took['real']:.1f} ms)",
            ENDS[end],
        )
        for end in ends
    ]
    return rows + [
        row(
            "BinaryGAN, sigmoid end",
            f"batch beside {rival}",
            timing.ratios(found, "real", rival),
            f"{RIVALS[rival]} ({took[rival]:.1f} ms)",
            "<= 1.05",
        )
        for rival in others
    ]


def compiled_row(setting, rounds):
    """The time of one batch under XLA, against that in graph mode."""
    found = timing.compare(
        {
            name: trainer(setting, "dbn", jit_compile)
            for name, jit_compile in (("graph", False), ("XLA", True))
        },
        rounds=rounds,
        seconds_per_round=setting.seconds_per_round,
    )
    ratios = timing.ratios(found, "XLA", "graph")
    graph = 1e3 * statistics.median(found["graph"])
    return results.row(
        "BinaryGAN, dbn end",
        f"batch, {_where(setting, 'XLA')} against graph",
        statistics.median(ratios),
        "times",
        samples=ratios,
        against=f"graph mode ({graph:.1f} ms)",
    )


def _where(setting, mode):
    return f"{setting.architecture.upper()}, {mode}"
