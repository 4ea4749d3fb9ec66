"""What is trained: textures, methods, rates and seeds."""

import dataclasses
import functools

from examples.texture_parts.methods import NAMES, NONE
from keras_bp.datasets import gp_textures


@dataclasses.dataclass(frozen=True)
class Task:
    """Textures, and a network that is to tell them apart.

    Attributes:
        lengths: Pair of tuples of floats, as `gp_textures` takes it.
        per_class: Integer, images of a class for training.
        size: Integer, pixels of a side.
        cells: Pair of integers, small and large cells along a side.
        channels: Integer.
        others: Pair of integers, images for validation and for testing.
        epochs: Integer, the same for all methods.
    """

    lengths: tuple
    per_class: int = 25
    size: int = 64
    cells: tuple = (16, 4)
    channels: int = 32
    others: tuple = (200, 400)
    epochs: int = 80

    @property
    def name(self):
        small, large = (
            "-".join(f"{x:g}" for x in scale) for scale in self.lengths
        )
        return f"{small} x {large}, {self.per_class} per class"

    @property
    def classes(self):
        return len(self.lengths[0]) * len(self.lengths[1])

    def data(self, seed):
        """The parts of a set; no image of a part is in another."""
        return dict(_parts(self, seed))


# All methods see the same textures, which take a while to make.
@functools.lru_cache(maxsize=8)
def _parts(task, seed):
    counts = (task.per_class * task.classes, *task.others)
    parts = {"name": f"{task.name}, {task.size} pixels"}
    for number, part in enumerate(("train", "validation", "test")):
        parts[part] = gp_textures(
            counts[number], task.size, task.lengths, seed=3 * seed + number
        )
    return parts


@dataclasses.dataclass(frozen=True)
class Study:
    """Tasks whose results are told together.

    Attributes:
        told: String, what is compared.
        tasks: Tuple of `Task`.
        methods: Tuple of names of `methods.METHODS`.
        seeds: Integer.
        batch: Integer.
        rates: Tuple of learning rates of Adam, for all methods.
    """

    told: str
    tasks: tuple
    methods: tuple = NAMES
    seeds: int = 5
    batch: int = 10
    rates: tuple = (0.001, 0.003)

    def with_seeds(self, seeds):
        """The same with another number of seeds, unless it is None."""
        if seeds is None:
            return self
        return dataclasses.replace(self, seeds=seeds)


# At 64 pixels a small cell has about three small blobs in it, as in the paper.
_EASY = ((1.0, 2.0), (5.0, 7.0))
_HARD = ((1.2, 1.8), (5.0, 7.0))
# Epochs of the sets, so that the larger ones have more steps, not many more.
_EPOCHS = {5: 200, 25: 80, 100: 40}
_QUARTER = Task(
    lengths=((2.375, 2.5), (20.0, 35.0)),
    size=256,
    cells=(32, 4),
    others=(200, 400),
    epochs=60,
)
_FEW = (
    NONE,
    "fine 0.9",
    "coarse 0.5",
    "both 0.75+0.5",
    "dropout 0.3",
    "crop",
)
_PUBLISHED = (*_FEW, "shared 0.3+0.95", "spatial dropout 0.2")


def _of_sizes(lengths):
    return tuple(
        Task(lengths, per_class=count, epochs=epochs)
        for count, epochs in _EPOCHS.items()
    )


STUDIES = {
    "small": Study(
        "64 pixels, lengths that are easy to tell apart",
        (Task(_EASY, epochs=60),),
        (NONE, "both 0.75+0.5", "dropout 0.3", "crop"),
        seeds=3,
        rates=(0.001,),
    ),
    "images": Study("64 pixels, 5 to 100 images per class", _of_sizes(_EASY)),
    "lengths": Study(
        "64 pixels, lengths from easy to hard",
        tuple(
            Task(lengths)
            for lengths in (_EASY, _HARD, ((1.2, 1.5), (5.0, 8.75)))
        ),
        _PUBLISHED,
    ),
    "batches": Study(
        "64 pixels, one image per step", (Task(_HARD),), _PUBLISHED, batch=1
    ),
    # The lengths of the paper divided by 4, with as many cells of the network
    # in an image; half the channels, for a step in a third of the time.
    "quarter": Study("256 pixels", (_QUARTER,), _PUBLISHED),
    "paper": Study(
        "1024 pixels, the classes of the paper",
        (
            Task(
                lengths=((9.5, 10.0), (80.0, 140.0)),
                size=1024,
                cells=(32, 4),
                channels=64,
                others=(40, 100),
                epochs=40,
            ),
        ),
        (NONE, "both 0.75+0.5", "shared 0.3+0.95", "dropout 0.3", "crop"),
        seeds=1,
        rates=(0.001,),
    ),
}
