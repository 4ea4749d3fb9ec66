"""What is trained: networks and data, rules, rates and seeds."""

import dataclasses
import functools

import keras
from keras import layers

from examples.implicit_parts import data
from examples.local_parts import studies as local
from examples.replace_parts import rules
from keras_bp.datasets import UCI_NAMES


@dataclasses.dataclass(frozen=True)
class RuleSweep(local.Sweep):
    """One network on one set; `network` takes whether labels are inputs.

    Attributes:
        classes: Integer.
        compiled: Boolean, whether XLA compiles the steps.
    """

    classes: int = 10
    compiled: bool = True

    def for_method(self, method):
        """The parts of a seed, with room for labels where these are inputs."""
        if not rules.RULES[method].has_labels:
            return self.data
        return lambda seed: rules.with_room(self.data(seed), self.classes)


@dataclasses.dataclass(frozen=True)
class RuleStudy(local.Study):
    """Sweeps whose results are told together.

    Attributes:
        tuning_seeds: Integer, seeds by which the rate is chosen, the first
            ones; the others run at that rate alone. None for all.
        watched: Tuple of names of sets on which angles and steps are looked
            at, with the first seed.
        reused: String, the folder of `examples.local_learning` with results
            for backpropagation and Lagrangian learning that count here, or
            None where it has other settings.
    """

    tuning_seeds: int | None = None
    watched: tuple = ()
    reused: str | None = None


def _dense(features, classes, units, activation, has_labels):
    features += classes if has_labels else 0
    return local.network(features, classes, units, activation)


def _uci(data_dir):
    made = []
    for name in UCI_NAMES:
        fold, features, classes = data.uci(name, data_dir)
        for units in ((50,), (30, 30, 30)):
            network = functools.partial(
                _dense, features, classes, units, "tanh"
            )
            made.append(RuleSweep(name, len(units), network, fold, classes))
    return made


def _images(name, units, data_dir):
    found = data.images(data_dir, True)
    features = found["train"][0].shape[1]
    network = functools.partial(_dense, features, 10, units, "relu")
    return [RuleSweep(name, len(units), network, lambda seed: found)]


def le_net(has_labels=False):
    """The network of BioTorch for MNIST, with images padded to 32 by 32.

    Its dense layer of 84 units is linear, as in a version there.
    """
    del has_labels
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.ZeroPadding2D(2),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(120, 5, activation="relu"),
            layers.Flatten(),
            layers.Dense(84),
            layers.Dense(10),
        ]
    )


def _le_net(data_dir):
    found = data.images(data_dir, False)
    found = {
        name: (part[0].reshape(-1, 28, 28, 1), part[1])
        if isinstance(part, tuple)
        else part
        for name, part in found.items()
    }
    # XLA's convolutions on a CPU take far longer.
    return [RuleSweep("MNIST", 5, le_net, lambda seed: found, compiled=False)]


_ALL = tuple(rules.RULES)
STUDIES = {
    "digits": RuleStudy(
        "digits",
        lambda _: _images("digits", (64, 32), None),
        _ALL,
        seeds=5,
        epochs=15,
        rates=(0.001, 0.003, 0.01, 0.03),
        watched=("digits",),
    ),
    "uci": RuleStudy(
        "ten UCI sets, 4 folds, 5 seeds each",
        _uci,
        tuple(name for name in _ALL if name != "forward_forward_linear"),
        seeds=20,
        epochs=60,
        watched=("wine",),
        reused="out/local/uci",
    ),
    "mnist": RuleStudy(
        "MNIST, 300-100 units",
        functools.partial(_images, "MNIST", (300, 100)),
        _ALL,
        seeds=5,
        epochs=15,
        batch=100,
        rates=(0.0005, 0.002, 0.008),
        tuning_seeds=1,
        watched=("MNIST",),
    ),
    "lenet": RuleStudy(
        "MNIST, LeNet",
        _le_net,
        (
            "backprop",
            "feedback_alignment",
            "uniform_sign",
            "direct_feedback_alignment",
        ),
        seeds=5,
        epochs=8,
        batch=100,
        rates=(0.0001, 0.0003, 0.001, 0.003),
        tuning_seeds=1,
        watched=("MNIST",),
    ),
    # As long as random feedback needs, at the rate that it chose above.
    "lenet_long": RuleStudy(
        "MNIST, LeNet, 40 epochs",
        _le_net,
        (
            "backprop",
            "feedback_alignment",
            "uniform_sign",
            "direct_feedback_alignment",
        ),
        seeds=3,
        epochs=40,
        batch=100,
        rates=(0.0003,),
    ),
}
