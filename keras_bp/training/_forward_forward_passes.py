"""Passes of a `ForwardForwardModel` with labels in its inputs."""

import math

from keras import ops

from keras_bp.training import _forward_forward as parts
from keras_bp.training._local_blocks import forward_values
from keras_bp.training._local_trace import weights_scope


class LabelPasses:
    """Methods of `ForwardForwardModel`."""

    def _first(self):
        """The first layer that inference reads."""
        return int(self.skip_first and len(self.graph.unknowns) > 1)

    def threshold_of(self, place, value):
        """The threshold of the layer at a place with some neurons, a float."""
        if self.threshold is not None:
            return self.threshold
        share = parts.half_way(self.graph.blocks[place])
        if self.goodness == "mean_squares":
            return share
        return share * math.prod(value.shape[1:])

    def _scores(self, x, training):
        """How good each label is, `(batch, classes)`."""
        classes, count = self.num_classes, ops.shape(x)[0]
        many = ops.repeat(x, classes, axis=0)
        labels = ops.tile(ops.eye(classes), (count, 1))
        total = 0.0
        for place, value in enumerate(self._values(many, labels, training)):
            if place >= self._first():
                found = parts.goodness(value, self.goodness)
                total = total + found - self.threshold_of(place, value)
        return ops.reshape(total, (-1, classes))

    def _features(self, x, training):
        """What the linear layer reads: normalized neurons, neutral label."""
        label = ops.ones((ops.shape(x)[0], self.num_classes))
        values = self._values(x, label / self.num_classes, training)
        found = [parts.normalized(v) for v in values[self._first() :]]
        flat = [ops.reshape(v, (ops.shape(v)[0], -1)) for v in found]
        return ops.concatenate(flat, axis=1)

    def _values(self, x, labels, training):
        x = parts.embedded(x, labels, self.label)
        return forward_values(self.graph, x, parts.normalized, training)

    def _both(self, x, labels):
        """Inputs with right labels and then with wrong ones."""
        scores = None
        if self.negatives == "hard":
            with weights_scope(self.trainable_variables):
                scores = self(x, training=True)
        wrong = parts.wrong_labels(
            labels, self.num_classes, self.seed_generator, scores
        )
        both = ops.concatenate([labels, ops.cast(wrong, labels.dtype)])
        return parts.embedded(
            ops.concatenate([x, x]),
            ops.one_hot(both, self.num_classes),
            self.label,
        )

    def _separation(self, values):
        """Share of examples that are better with the right label."""
        total = 0.0
        for value in values[self._first() :]:
            right, wrong = ops.split(parts.goodness(value, self.goodness), 2)
            total = total + right - wrong
        return ops.mean(ops.cast(total > 0, "float32"))
