"""The NumPy model of the int8 profile: its roundings, but not LiteRT's ties."""

import numpy as np

from tflite_export._signals import as_int64, check_range
from tflite_export.litert._calibration import calibration_signal
from tflite_export.litert._int8_plan import HIGH, LOW, make_plan
from tflite_export.litert._int8_program import Numbers, run_program
from tflite_export.litert.to_flatbuffer import as_chain
from tflite_export.real_model import filtered


def model_of_int8(chain, calibration="random"):
    r"""What a model of the int8 profile computes, on NumPy arrays.

    It has the steps of the model, and rounds wherever that does. LiteRT's
    kernels differ from it by a step here and there, each machine's in other
    places; the signal-to-noise ratio is the same within tenths of a decibel.

    Args:
        chain: `tflite_export.ChainSpec` that `to_flatbuffer` takes with
            `profile="int8"`.
        calibration: See `to_flatbuffer`. Defaults to `"random"`.

    Returns:
        Function of an integer array `(batch, time, channels)`, of the chain's
        input, that returns the float64 array `(batch, new_time, outputs)` of
        what the model puts out, in steps of the chain's output.

    Raises:
        TypeError: `calibration` does not hold integers.
        ValueError: The profile cannot compute the chain, or `calibration`
            does not fit.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> signal = np.array([[[500], [0], [-700], [100]]])
    >>> run = litert.model_of_int8(ChainSpec.from_layer(layer), signal)
    >>> (run(signal) / 100).round(1).ravel().tolist()
    [5.0, 0.0, -7.0, 1.0]
    """
    chain = as_chain(chain)
    plan = make_plan(chain, calibration_signal(chain, calibration))

    def run(signal):
        owner, form = "model_of_int8", chain.input_format
        signal = as_int64("signal", signal, owner=owner)
        check_range("signal", signal, form, owner=owner)
        rounded = plan.signals[0].quantize(signal * form.step)
        y = run_program(chain, plan, _ArrayOps(), rounded)
        return y.affine.dequantize(y.value) / chain.output_format.step

    return run


class _ArrayOps:
    """Computes on int64 arrays; see `run_program`."""

    def convolve(self, x, filter, affine):
        sums = filtered(
            filter.weights,
            x.value - x.affine.zero,
            filter.padding,
            filter.strides,
        )
        count = sums.shape[2] // len(filter.steps)
        steps = np.tile(filter.steps, count) * x.affine.step
        bias = np.tile(filter.bias(x.affine.step), count)
        return Numbers(affine.quantize((sums + bias) * steps), affine)

    def multiply(self, a, b, affine):
        product = _real(a) * _real(b)
        return Numbers(affine.quantize(product), affine)

    def add(self, a, b, affine, sign=1):
        return Numbers(affine.quantize(_real(a) + sign * _real(b)), affine)

    def clip(self, x, ends):
        low, high = ends
        low, high = LOW if low is None else low, HIGH if high is None else high
        return Numbers(np.clip(x.value, low, high), x.affine)

    def swap(self, x):
        order = np.arange(x.value.shape[-1]) ^ 1
        return Numbers(x.value[..., order], x.affine)

    def constant(self, number, affine):
        return Numbers(np.int64([number]), affine)


def _real(x):
    return x.affine.dequantize(x.value)
