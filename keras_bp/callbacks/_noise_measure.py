"""Gradients of one batch under masks of one layer, all else held."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_bp._variables import unchanged
from keras_bp.layers._backdrop_cells import forced_mask


@dataclasses.dataclass(frozen=True)
class Grid:
    """The cells of a mask: so many groups, each with its own survivors.

    Attributes:
        shape: Tuple, one number for each cell or block.
        groups: Integer array `(groups, cells)`, indices of the flat shape.
    """

    shape: tuple
    groups: np.ndarray


class MaskedGradients:
    """Gradients of the loss of a batch, in training mode.

    Whatever else is random draws the same each time: the variables that are
    not trained have the same values before each gradient.

    Args:
        model: Compiled model.
        layer: The `BackdropMask` in it.
        batch: Tuple of inputs, targets and weights of examples.
    """

    def __init__(self, model, layer, batch):
        import tensorflow as tf

        self.model, self.layer = model, layer
        self._batch = keras.tree.map_structure(_as_tensor, batch)
        self.variables = list(model.trainable_variables)
        compiled = (lambda f: f) if model.run_eagerly else tf.function
        self.drawn = self._held(compiled(self._gradient))
        self.of_cell = self._held(compiled(self._gradient_of_cell))
        # Called once in an epoch: not worth a graph.
        self.full = self._held(self._full_gradient)
        self.grid = None

    def _held(self, function):
        """Makes it return one flat array, from the same state each time."""
        own = id(self.layer.seed_generator.state)

        def run(*args):
            held = [
                variable
                for variable in self.model.non_trainable_variables
                if id(variable) != own
            ]
            with unchanged(held):
                found = function(*args)
            return np.concatenate([np.ravel(part) for part in found])

        return run

    def _gradient(self):
        import tensorflow as tf

        x, y, weight = self._batch
        with tf.GradientTape() as tape:
            predicted = self.model(x, training=True)
            loss = self.model.compute_loss(x, y, predicted, weight)
        found = tape.gradient(loss, [x.value for x in self.variables])
        return [
            tf.zeros(variable.shape, "float64")
            if part is None
            else tf.cast(tf.convert_to_tensor(part), "float64")
            for part, variable in zip(found, self.variables, strict=True)
        ]

    def _full_gradient(self):
        """Learns the grid too, from the gradient that the mask meets."""
        shapes = []

        def ones(upstream):
            shapes.append(tuple(upstream.shape))
            return ops.ones((1,) * len(upstream.shape), "float32")

        with forced_mask(self.layer, ones):
            found = self._gradient()
        if len(shapes) != 1:
            raise ValueError(
                "GradientNoiseProbe expects a mask that is called once in "
                f"each step. Received: layer={self.layer.name!r}, called "
                f"{len(shapes)} times"
            )
        cells = self.layer.cells(len(shapes[0]))
        shape = cells.noise_shape(shapes[0])
        indices = np.arange(np.prod(shape)).reshape(shape)
        by_group = self.layer.per_sample and 0 not in cells.axes
        groups = indices.reshape(shape[0] if by_group else 1, -1)
        self.grid = Grid(shape, groups)
        return found

    def _gradient_of_cell(self, index):
        def mask(upstream):
            size = int(np.prod(self.grid.shape))
            hit = ops.reshape(ops.one_hot(index, size), self.grid.shape)
            cells = self.layer.cells(len(upstream.shape))
            return cells.expand(hit, ops.shape(upstream))

        with forced_mask(self.layer, mask):
            return self._gradient()


def _as_tensor(x):
    if x is None:
        return None
    x = ops.convert_to_tensor(x)
    kind = keras.backend.standardize_dtype(x.dtype)
    # As `fit` does it.
    return ops.cast(x, keras.config.floatx()) if kind == "float64" else x
