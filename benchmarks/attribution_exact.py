"""Attribution maps from the definition of the rules, in NumPy.

Of two convolutions with rectifiers and pooling, and a dense layer: what every
form of a network, and every package, is held against.
"""

import dataclasses

import numpy as np

SHAPE = (8, 8, 2)
CLASSES = 3
RULES = ("saliency", "guided", "deconvnet")


def images(count=4):
    """Images large enough to reach the upper bound of ReLU6."""
    rng = np.random.default_rng(0)
    return 6 * rng.normal(size=(count, *SHAPE)).astype("float32")


def weights():
    """Kernels and biases of two convolutions and a dense layer."""
    rng = np.random.default_rng(1)
    shapes = (3, 3, 2, 4), (4,), (3, 3, 4, 16), (16,), (16, CLASSES), (CLASSES,)
    return [rng.normal(0, 0.3, shape).astype("float32") for shape in shapes]


@dataclasses.dataclass(frozen=True)
class Exact:
    """The network in double precision.

    Attributes:
        bound: Float, the upper bound of the rectifiers, or infinity.
        pool_first: Boolean, whether pooling comes before the first rectifier.
            The outputs are the same, DeconvNet is not.
    """

    bound: float = np.inf
    pool_first: bool = False

    def _forward(self, x):
        k1, b1, k2, b2, k3, b3 = (w.astype("float64") for w in weights())
        first = _convolved(x.astype("float64"), k1, b1)
        before = first if self.pool_first else self._rectified(first)
        pooled, chosen = _pooled(before)
        entered = self._rectified(pooled) if self.pool_first else pooled
        second = _convolved(entered, k2, b2)
        logits = self._rectified(second).reshape(len(x), -1) @ k3 + b3
        return first, pooled, chosen, second, logits

    def outputs(self, x):
        """Logits `(batch, classes)`."""
        return self._forward(x)[-1]

    def maps(self, rule, x, target):
        """Maps of the logits of `target`, an integer for each example."""
        k1, _, k2, _, k3, _ = (w.astype("float64") for w in weights())
        first, pooled, chosen, second, _ = self._forward(x)
        r = k3.T[target].reshape(second.shape)
        r = _spread(self._below(rule, r, second), k2)
        if self.pool_first:
            r = _unpooled(self._below(rule, r, pooled), chosen)
        else:
            r = self._below(rule, _unpooled(r, chosen), first)
        return _spread(r, k1)

    def _rectified(self, x):
        return np.clip(x, 0, self.bound)

    def _below(self, rule, r, x):
        gate = (x > 0) & (x < self.bound)
        if rule == "saliency":
            return gate * r
        return np.maximum(r, 0) * (gate if rule == "guided" else 1)


def _convolved(x, kernel, bias):
    """A convolution without padding: `(batch, height, width, channels)`."""
    found = np.lib.stride_tricks.sliding_window_view(
        x, kernel.shape[:2], (1, 2)
    )
    return np.einsum("nhwiab,abio->nhwo", found, kernel) + bias


def _spread(r, kernel):
    """The gradient that a convolution hands on."""
    wide = kernel.shape[0] - 1
    r = np.pad(r, ((0, 0), (wide, wide), (wide, wide), (0, 0)))
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return _convolved(r, turned, 0)


def _pooled(x):
    """The largest of windows of 2 x 2, and which entry the first such is."""
    count, height, width, channels = x.shape
    x = x.reshape(count, height // 2, 2, width // 2, 2, channels)
    x = x.transpose(0, 1, 3, 5, 2, 4).reshape(*x.shape[:2], width // 2, -1, 4)
    return x.max(-1), np.eye(4)[x.argmax(-1)]


def _unpooled(r, chosen):
    found = chosen * r[..., None]
    count, height, width, channels, _ = found.shape
    found = found.reshape(count, height, width, channels, 2, 2)
    found = found.transpose(0, 1, 4, 2, 5, 3)
    return found.reshape(count, 2 * height, 2 * width, channels)
