"""What is trained: problems, methods, rates, seeds and how long."""

import dataclasses
import functools

from examples.backdrop_auc_parts import data, methods
from keras_bp.datasets import load_digits


@dataclasses.dataclass(frozen=True)
class Study:
    """Problems whose results are told together.

    Attributes:
        told: String, the data.
        sweeps: Function from a folder of data to a list of `data.Problem`.
        seeds: Integer.
        epochs: Integer, passes over the data.
        rates: Tuple of learning rates of Adam, for all methods.
        batch: Integer, where there are batches.
        pieces: Integer, into which the epochs are cut; after each the areas
            are measured.
        most: Float, by which epochs may be exceeded at equal time.
        steps: Boolean, whether whole sets are also given as many steps as
            there are of mini-batches, which takes far more time.
        methods: Tuple of names of `methods.NAMES`.
    """

    told: str
    sweeps: object
    seeds: int
    epochs: int
    rates: tuple = (0.001, 0.003, 0.01, 0.03, 0.1)
    batch: int = 32
    pieces: int = 10
    most: float = 40.0
    steps: bool = True
    methods: tuple = methods.NAMES

    def with_seeds(self, seeds):
        """The same with another number of seeds, unless it is None."""
        if seeds is None:
            return self
        return dataclasses.replace(self, seeds=seeds)

    def budgets(self):
        """What methods are given alike."""
        return ("epochs", "time", "steps") if self.steps else ("epochs", "time")

    def epochs_of(self, budget, whole, examples):
        """Integer, the epochs for a budget of epochs or steps.

        Args:
            budget: String, `"epochs"` or `"steps"`.
            whole: Boolean, whether the whole set is one batch.
            examples: Integer, for training.
        """
        if budget == "steps" and whole:
            return self.epochs * (examples // self.batch)
        return self.epochs

    def content(self):
        """String that tells a store of this study from others."""
        settings = self.told, self.epochs, self.rates, self.batch, self.pieces
        return repr((*settings, self.most, self.steps))


STUDIES = {
    "digits": Study(
        "the digit 8 against the others",
        functools.partial(data.digits, (0.1, 0.01), data.embedded),
        seeds=3,
        epochs=20,
        rates=(0.003, 0.01, 0.03, 0.1),
        steps=False,
    ),
    "shares": Study(
        "the digit 8, rarer and rarer",
        functools.partial(data.digits, (0.1, 0.03, 0.01, 0.005), data.embedded),
        seeds=10,
        epochs=60,
    ),
    "mnist": Study(
        "the digit 8 of MNIST",
        functools.partial(data.digits, (0.1, 0.01), load_digits),
        seeds=5,
        epochs=30,
        most=10.0,
        steps=False,
    ),
    "uci": Study(
        "one class of UCI sets, 4 folds",
        functools.partial(
            data.uci,
            (
                ("car", 0, None),
                ("car", 3, None),
                ("car", 3, 0.01),
                ("balance-scale", 0, None),
                ("ecoli", 3, None),
            ),
        ),
        seeds=12,
        epochs=60,
    ),
}
