"""The same filter as other packages compute it, where they are installed."""

import functools

import numpy as np


def filters(chain, signal):
    """Functions that filter a signal once.

    Args:
        chain: `tflite_export.ChainSpec` of one complex filter.
        signal: Integer array `(1, time, 2)`.

    Returns:
        Dictionary from a name to a function without arguments; of the
        packages that can be imported.
    """
    found = {}
    for make in (_scipy, _float_litert, _integer_litert, _cmsis_dsp):
        try:
            found |= make(chain, signal)
        except ImportError as error:
            print(f"Left out: {error}")
    return found


def model_sizes(chain, time):
    """Bytes of LiteRT's models of a chain, by name."""
    models = {"float LiteRT": _float_model(chain, time)}
    try:
        models |= _integer_models(chain, time)
    except ImportError as error:
        print(f"Left out: {error}")
    return {name: len(model) for name, model in models.items()}


def _taps(chain):
    """Complex taps in complex64."""
    (stage,) = chain.stages
    taps = stage.taps[:, 0, 0] * stage.tap_format.step
    return (taps @ [1, 1j]).astype("complex64")


def _scipy(chain, signal):
    import scipy.signal

    x = (signal[0] @ [1, 1j]).astype("complex64")
    taps, one = _taps(chain), np.ones(1, "float32")
    return {
        "scipy.signal.lfilter, complex64": (
            lambda: scipy.signal.lfilter(taps, one, x)
        ),
        "scipy.signal.upfirdn, complex64": (
            lambda: scipy.signal.upfirdn(taps, x)
        ),
    }


@functools.cache
def _float_model(chain, time):
    """One convolution of I and Q by float32, as a converter makes it."""
    import tensorflow as tf

    from keras_bp.ops import complex_taps_to_real

    (stage,) = chain.stages
    kernel = complex_taps_to_real(
        tf.constant(stage.taps * stage.tap_format.step, "float32")
    )
    # A convolution of TensorFlow is a correlation.
    kernel = tf.constant(kernel.numpy()[::-1])
    past = tf.constant([[0, 0], [stage.memory, 0], [0, 0]])

    @tf.function(input_signature=[tf.TensorSpec((1, time, 2), "float32")])
    def run(x):
        return tf.nn.conv1d(tf.pad(x, past), kernel, 1, "VALID")

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [run.get_concrete_function()]
    )
    return converter.convert()


def _integer_models(chain, time):
    from tflite_export import litert

    return {
        f"integer LiteRT, {profile}": litert.to_flatbuffer(
            chain, profile=profile, time=time
        )
        for profile in litert.PROFILES
    }


def _float_litert(chain, signal):
    model = _float_model(chain, signal.shape[1])
    return {"float LiteRT": _invoked(model, signal)}


def _integer_litert(chain, signal):
    return {
        name: _invoked(model, signal)
        for name, model in _integer_models(chain, signal.shape[1]).items()
    }


def _invoked(model, signal):
    """Runs a model, on one thread, on a signal that is in place already."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], signal.astype(entry["dtype"]))
    return interpreter.invoke


def _cmsis_dsp(chain, signal):
    """Four real filters in Q15, and their sums."""
    import cmsisdsp

    (stage,) = chain.stages
    taps = stage.taps[:, 0, 0] << 15 - stage.tap_format.fraction_bits
    # It takes an even number of taps, in reversed order.
    taps = np.concatenate([taps, np.zeros((len(taps) % 2, 2), "int64")])
    taps = taps[::-1].astype("int16")
    x = signal[0].astype("int16").T.copy()
    states = []
    for part in (0, 1, 0, 1):
        states.append(cmsisdsp.arm_fir_instance_q15())
        past = np.zeros(len(taps) + x.shape[1], "int16")
        cmsisdsp.arm_fir_init_q15(
            states[-1], len(taps), taps[:, part].copy(), past
        )

    def run():
        a_i, b_q = (cmsisdsp.arm_fir_q15(states[k], x[k]) for k in (0, 1))
        a_q, b_i = (
            cmsisdsp.arm_fir_q15(states[2 + k], x[1 - k]) for k in (0, 1)
        )
        return a_i - b_q, a_q + b_i

    return {"CMSIS-DSP arm_fir_q15, four": run}
