"""Smooth stand-ins for "the order of two scores is wrong"."""

from keras import ops

# Each a function of z = margin - scale * difference and its derivative, and
# the margin by default. At z = 0 the hinge has the derivative 0.
SURROGATES = {
    "sigmoid": (
        ops.sigmoid,
        lambda z: ops.sigmoid(z) * ops.sigmoid(-z),
        0.0,
    ),
    "hinge": (ops.relu, lambda z: ops.cast(z > 0, z.dtype), 1.0),
    "squared": (ops.square, lambda z: 2.0 * z, 1.0),
    "logistic": (ops.softplus, ops.sigmoid, 0.0),
}
