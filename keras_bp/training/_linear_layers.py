"""Layers taken apart: products with kernels, then bias and activation."""

import dataclasses
import functools

import keras
from keras import ops

_LAYERS = keras.layers
_DENSE = (_LAYERS.Dense,)
_CONVOLUTIONS = (_LAYERS.Conv1D, _LAYERS.Conv2D, _LAYERS.Conv3D)
_DEPTHWISE = (_LAYERS.DepthwiseConv1D, _LAYERS.DepthwiseConv2D)
_SEPARABLE = (_LAYERS.SeparableConv1D, _LAYERS.SeparableConv2D)
LINEAR = (*_DENSE, *_CONVOLUTIONS, *_DEPTHWISE, *_SEPARABLE)


@dataclasses.dataclass(frozen=True)
class Product:
    """A product of what a layer reads with one of its kernels.

    Attributes:
        kernel: Keras variable.
        of: Function of inputs and a kernel, linear in both.
        back: Function of an upstream gradient and a kernel that returns the
            gradient of the inputs, or None where a tape has to find it.
    """

    kernel: object
    of: object
    back: object = None


def is_linear(layer):
    """Whether a layer can be taken apart."""
    return type(layer) in LINEAR and not (
        getattr(layer, "lora_enabled", False)
        or getattr(layer, "quantization_mode", None)
    )


def products(layer):
    """List of the `Product` that a layer of a known kind makes, in order."""
    if isinstance(layer, _DENSE):
        return [Product(layer.kernel, ops.matmul, _dense_back)]
    if isinstance(layer, _CONVOLUTIONS):
        return [Product(layer.kernel, _convolution(layer, ops.conv))]
    depthwise = _convolution(layer, ops.depthwise_conv)
    if isinstance(layer, _DEPTHWISE):
        return [Product(layer.kernel, depthwise)]
    pointwise = functools.partial(ops.conv, data_format=layer.data_format)
    return [
        Product(layer.depthwise_kernel, depthwise),
        Product(layer.pointwise_kernel, pointwise),
    ]


def finish(layer, logits):
    """Adds the bias of a layer to its last product, and activates."""
    if layer.use_bias:
        bias = ops.cast(layer.bias, logits.dtype)
        if getattr(layer, "data_format", None) == "channels_first":
            bias = ops.reshape(bias, (1, -1, *(1,) * layer.rank))
        logits = ops.add(logits, bias)
    return logits if layer.activation is None else layer.activation(logits)


def apply(layer, x, multiply):
    """What a layer makes of inputs, with its products made elsewhere.

    Args:
        layer: Layer for which `is_linear`.
        x: Tensor.
        multiply: Function of inputs, a `Product`, and its kernel as a tensor.

    Returns:
        Tensor.
    """
    return finish(layer, logits_of(layer, x, multiply))


def logits_of(layer, x, multiply):
    """The last product of a layer, without bias; arguments as `apply`."""
    x = ops.cast(x, layer.compute_dtype)
    for product in products(layer):
        x = multiply(x, product, ops.cast(product.kernel, x.dtype))
    return x


def read_of(args, kwargs):
    """What a layer is called with, by place or by name."""
    return args[0] if args else kwargs["inputs"]


def fans(shape):
    """Units that are read and written, as for the initializers of Keras."""
    *places, inputs, outputs = shape
    field = 1
    for size in places:
        field *= size
    return inputs * field, outputs * field


def _dense_back(upstream, kernel):
    return ops.matmul(upstream, ops.transpose(kernel))


def _convolution(layer, convolve):
    padding = layer.padding
    causal = padding == "causal"

    def of(x, kernel):
        if causal:
            before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
            pads = [(0, 0), (before, 0), (0, 0)]
            if layer.data_format == "channels_first":
                pads = [(0, 0), (0, 0), (before, 0)]
            x = ops.pad(x, pads)
        return convolve(
            x,
            kernel,
            strides=tuple(layer.strides),
            padding="valid" if causal else padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )

    return of
