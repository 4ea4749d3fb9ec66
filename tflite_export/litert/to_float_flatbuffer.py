"""Writes filters as LiteRT models of float32, to compare with."""

import numpy as np

from keras_bp import _checks
from keras_bp.ops import padding_lengths
from tflite_export.fir_spec import FIRSpec
from tflite_export.litert._packages import import_tensorflow
from tflite_export.litert.to_flatbuffer import as_chain
from tflite_export.real_model import real_kernel


def to_float_flatbuffer(chain, *, batch=1, time):
    """Writes a chain of filters as TensorFlow's converter makes it, in float32.

    It rounds nothing, and is no artefact of an export: use it to see what
    integers cost, and what they save. The taps are those of the chain.

    Args:
        chain: `tflite_export.ChainSpec` of filters alone, or a `FIRSpec` as
            one of its own.
        batch: Positive integer, the batch size, which is fixed.
            Defaults to `1`.
        time: Positive integer, samples of a signal; it is fixed too.

    Returns:
        The bytes of the model. It takes real numbers of shape
        `(batch, time, channels)`, in the unit of the chain's input.

    Raises:
        TypeError: A count is no integer.
        ValueError: A stage is no filter, or filters several signals one by
            one; a count is out of range, or the signal is too short.
    """
    owner = "to_float_flatbuffer"
    _checks.check_integer("batch", batch, minimum=1, owner=owner)
    _checks.check_integer("time", time, minimum=1, owner=owner)
    chain = as_chain(chain)
    length = time
    for index, stage in enumerate(chain.stages):
        channels = chain.stage_channels[index]
        fits = isinstance(stage, FIRSpec) and stage.kernel.shape[1] == channels
        if not fits:
            raise ValueError(
                f"{owner} expects filters of all channels at once. Received: "
                f"{type(stage).__name__} at stage {index}, {channels} channels"
            )
        length = stage.output_time(length)
    tf = import_tensorflow()
    shape = (batch, time, chain.channels)

    @tf.function(input_signature=[tf.TensorSpec(shape, "float32")])
    def run(x):
        for stage in chain.stages:
            x = _filtered(tf, stage, x)
        return x

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [run.get_concrete_function()]
    )
    return converter.convert()


def _filtered(tf, stage, x):
    left, right = padding_lengths(len(stage.taps), stage.padding)
    if stage.padding == "circular":
        before = x[:, x.shape[1] - left :]
        x = tf.concat([before, x, x[:, :right]], axis=1)
    elif left or right:
        x = tf.pad(x, tf.constant([[0, 0], [left, right], [0, 0]]))
    # A convolution of TensorFlow is a correlation.
    kernel = real_kernel(stage, None)[::-1].astype(np.float32)
    return tf.nn.conv1d(x, tf.constant(kernel), stage.strides, "VALID")
