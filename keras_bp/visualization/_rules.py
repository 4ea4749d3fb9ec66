"""Backward rules of rectifiers and pooling, by the types of graph operations.

TensorFlow looks a gradient up by the type of an operation. In a graph other
gradients can be named for it, which reaches every rectifier, whoever called
it. Gradient tapes do not follow those names; `tf.gradients` does.
"""

import contextvars
import functools

# The operations that followed the rule, while gradients are being made.
FOLLOWED = contextvars.ContextVar("followed")

RULES = (
    "saliency",
    "guided",
    "deconvnet",
    "negative_guided",
    "rectgrad",
)
# The types of operations that are rectifiers.
RECTIFIERS = ("Relu", "Relu6", "LeakyRelu")
POOLS = ("switch", "average")


@functools.cache
def overrides(rule, pool, percentile):
    """Dictionary from a type of operation to the name of its gradient.

    Args:
        rule: String, of `RULES`.
        pool: String, of `POOLS`.
        percentile: Float, of `"rectgrad"`.
    """
    import tensorflow as tf

    found = {}

    def register(kind, gradient):
        name = f"KerasBP-{kind}-{rule}-{pool}-{percentile!r}"

        def noted(op, upstream):
            FOLLOWED.get(set()).add(op.name)
            return gradient(op, upstream)

        tf.RegisterGradient(name)(noted)
        found[kind] = name

    if rule != "saliency":
        turned = functools.partial(_turned, rule, percentile)
        register("Relu", functools.partial(_relu, turned))
        register("Relu6", functools.partial(_relu6, turned))
        register("LeakyRelu", functools.partial(_leaky_relu, turned))
        register("Maximum", functools.partial(_maximum, turned))
        register("Minimum", functools.partial(_minimum, rule))
    if pool == "average":
        register("MaxPool", _average_pool)
        register("MaxPool3D", _average_pool_3d)
    return found


def _turned(rule, percentile, upstream, outputs, gated):
    """The gradient below a rectifier.

    Args:
        rule, percentile: As above.
        upstream: Tensor, the gradient that comes in.
        outputs: Tensor, what the rectifier made.
        gated: Function that multiplies a gradient by its derivative.
    """
    import tensorflow as tf

    if rule == "deconvnet":
        return tf.nn.relu(upstream)
    if rule == "guided":
        return gated(tf.nn.relu(upstream))
    if rule == "negative_guided":
        return gated(tf.minimum(upstream, 0))
    importance = outputs * upstream
    flat = tf.reshape(importance, (tf.shape(importance)[0], -1))
    place = tf.cast(tf.shape(flat)[1] - 1, "float32") * (percentile / 100)
    ordered = tf.sort(flat, axis=1)
    level = tf.gather(ordered, tf.cast(tf.round(place), "int32"), axis=1)
    ones = tf.ones(tf.rank(importance) - 1, "int32")
    level = tf.reshape(level, tf.concat([[-1], ones], 0))
    return tf.where(importance > level, gated(upstream), 0)


def _fused(name, features, **attributes):
    """The kernel that gates in one pass, as a function of a gradient."""
    import tensorflow as tf

    kernel = getattr(tf.raw_ops, name)
    return lambda upstream: kernel(
        gradients=upstream, features=features, **attributes
    )


def _relu(turned, op, upstream):
    return turned(upstream, op.outputs[0], _fused("ReluGrad", op.outputs[0]))


def _relu6(turned, op, upstream):
    return turned(upstream, op.outputs[0], _fused("Relu6Grad", op.outputs[0]))


def _leaky_relu(turned, op, upstream):
    gated = _fused("LeakyReluGrad", op.inputs[0], alpha=op.get_attr("alpha"))
    return turned(upstream, op.outputs[0], gated)


def _maximum(turned, op, upstream):
    """Of a rectifier if one side is zero, else the usual gradient."""

    side = zero_side(op)
    if side is None or is_behind_rectifier(op.inputs[1 - side].op):
        return _selected(op, upstream, op.inputs[0] >= op.inputs[1])
    y = op.outputs[0]
    below = turned(upstream, y, _fused("ReluGrad", y))
    below = _unbroadcast(below, op, 1 - side)
    return [below if place != side else None for place in range(2)]


def _minimum(rule, op, upstream):
    """Of the upper bound of a rectifier, which DeconvNet does not gate by."""
    import tensorflow as tf

    for place in range(2):
        bounded = is_behind_rectifier(op.inputs[place].op)
        if not bounded or constant(op.inputs[1 - place]) is None:
            continue
        below = upstream
        if rule != "deconvnet":
            inside = op.inputs[place] < op.inputs[1 - place]
            below = tf.where(inside, upstream, tf.zeros_like(upstream))
        below = _unbroadcast(below, op, place)
        return [below if side == place else None for side in range(2)]
    return _selected(op, upstream, op.inputs[0] <= op.inputs[1])


def _selected(op, upstream, first):
    """Hands a gradient to the one of two operands that was taken."""
    import tensorflow as tf

    zeros = tf.zeros_like(upstream)
    return [
        _unbroadcast(tf.where(taken, upstream, zeros), op, place)
        for place, taken in enumerate((first, tf.logical_not(first)))
    ]


def _unbroadcast(gradient, op, place):
    """Sums over the axes along which an operand was repeated."""
    import tensorflow as tf

    shapes = [tf.shape(x) for x in op.inputs]
    axes = tf.raw_ops.BroadcastGradientArgs(s0=shapes[0], s1=shapes[1])
    gradient = tf.reduce_sum(gradient, axes[place])
    return tf.reshape(gradient, shapes[place])


def _average_pool(op, upstream):
    import tensorflow as tf

    return tf.raw_ops.AvgPoolGrad(**_pooled(op, upstream))


def _average_pool_3d(op, upstream):
    import tensorflow as tf

    return tf.raw_ops.AvgPool3DGrad(**_pooled(op, upstream))


def _pooled(op, upstream):
    import tensorflow as tf

    names = ("ksize", "strides", "padding", "data_format")
    return {
        "orig_input_shape": tf.shape(op.inputs[0]),
        "grad": upstream,
        **{name: op.get_attr(name) for name in names},
    }


def zero_side(op):
    """Which operand of a maximum is the constant zero, or None."""
    for place, tensor in enumerate(op.inputs):
        if is_zero(tensor):
            return place
    return None


def is_zero(tensor):
    """Whether a tensor is zero, of whatever shape."""
    value = constant(tensor)
    if value is not None:
        return not value.any()
    op = tensor.op
    if op.type in ("BroadcastTo", "Cast", "Identity", "Reshape"):
        return is_zero(op.inputs[0])
    if op.type == "Fill":
        return is_zero(op.inputs[1])
    return op.type == "ZerosLike"


def constant(tensor):
    """The value of a tensor that is constant, or None."""
    import tensorflow as tf

    if hasattr(tensor, "value_of_body"):
        return tensor.value_of_body
    return tf.get_static_value(tensor)


def is_behind_rectifier(op):
    """Whether an operation is a rectifier, or its upper bound."""
    if op.type in ("Relu", "Relu6"):
        return True
    return op.type in ("Minimum", "Identity") and any(
        x.op.type in ("Relu", "Relu6") for x in op.inputs
    )
