"""What weights of a layer are multiplied with in a batch."""

import dataclasses

from keras import ops

from keras_bp.training._implicit_patches import is_sampled, sampled_rows
from keras_bp.training._replicas import gathered, summed


@dataclasses.dataclass
class Rows:
    """The inputs of a product with weights.

    The logits of the layer are `[inputs, ones] @ [kernel; bias]`.

    Attributes:
        weights: List of Keras variables: kernel, and bias if there is one.
        inputs: Tensor `(rows, features)`, float32 or float64, times the roots
            of the weights of rows.
        ones: Tensor `(rows, 1)` that the bias meets, the roots of the weights
            of rows, or None where there is no bias.
        logits: List of tensors whose gradients are those of the logits, or
            None where rows are a sample of all.
        roots: Tensor `(rows, 1)`, the roots of the weights, or None.
        sampled: Boolean, whether rows are a sample of all.
        many: Boolean, whether a sample may stand for them.
        per_example: Integer, rows of an example, 1 if that is not known.
    """

    weights: list
    inputs: object
    ones: object = None
    logits: list | None = None
    roots: object = None
    sampled: bool = False
    many: bool = False
    per_example: int = 1

    @property
    def features(self):
        """Number of features, that of the bias among them."""
        return self.inputs.shape[-1] + (self.ones is not None)

    def fewer_rows(self, usual):
        """Whether there are fewer rows than features.

        Args:
            usual: Integer, rows for each of an example, if the number of
                examples is not known before.
        """
        count = self.inputs.shape[0]
        count = usual * self.per_example if count is None else count
        return count < self.features

    def joined(self):
        """Tensor `(rows, features)`."""
        if self.ones is None:
            return self.inputs
        return ops.concatenate([self.inputs, self.ones], axis=-1)

    def of_all(self):
        """The same with the rows of all replicas; logits are one's own."""
        inputs, ones, roots = gathered((self.inputs, self.ones, self.roots))
        return dataclasses.replace(self, inputs=inputs, ones=ones, roots=roots)

    def thinned(self, seed):
        """The same with a sample of rows, where they are many."""
        if not self.many:
            return self
        return dataclasses.replace(
            self,
            inputs=sampled_rows(self.inputs, seed),
            sampled=is_sampled(self.inputs),
        )


@dataclasses.dataclass
class Diagonal:
    """Weights of which each has a curvature of its own.

    Attributes:
        weights: List of one Keras variable.
        gram: Tensor that can be broadcast to it, or `(vocabulary,)` for the
            rows of an embedding.
    """

    weights: list
    gram: object

    def of_all(self):
        """The same with what the weights meet on all replicas."""
        gram = summed(ops.convert_to_tensor(self.gram))
        return dataclasses.replace(self, gram=gram)

    def thinned(self, seed):
        """The same: there are no rows."""
        return self
