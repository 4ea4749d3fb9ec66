"""The same filter as other packages compute it, where they are installed."""

import functools

import numpy as np

from tflite_export import litert

INT8 = "integer LiteRT, int8"


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
    models = {}
    try:
        models |= {"float LiteRT": _float_model(chain, time)}
        models |= _integer_models(chain, time)
    except ImportError as error:
        print(f"Left out: {error}")
    return {name: len(model) for name, model in models.items()}


def int8_ratios(chain, time):
    """What an int8 model loses on a signal of the whole range.

    Args:
        chain: `tflite_export.ChainSpec`.
        time: Positive integer, samples.

    Returns:
        Dictionary of ratios in dB: `snr_db`, of the exact integers to its
        errors; `snr_of_input_db` and `snr_of_output_db`, what 8 bits leave of
        the input and of the exact output.
    """
    _, told = litert.target_files(
        chain,
        name="edge",
        batch=1,
        time=time,
        profiles="int8",
        calibration="full_scale",
    )
    return told["models"]["edge_int8.tflite"]


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
    return litert.to_float_flatbuffer(chain, time=time)


def _integer_models(chain, time):
    """That of int8 has steps for what `filters` is called with."""
    return {
        f"integer LiteRT, {profile}": litert.to_flatbuffer(
            chain, profile=profile, time=time, calibration="full_scale"
        )
        for profile in litert.PROFILES
    }


def _float_litert(chain, signal):
    model = _float_model(chain, signal.shape[1])
    return {"float LiteRT": litert.prepare(model, signal)}


def _integer_litert(chain, signal):
    """Runs models on a signal that is in place already."""
    # That of int8 has its upper bits.
    short = signal >> max(0, chain.input_format.word_length - 8)
    return {
        name: litert.prepare(model, short if name == INT8 else signal)
        for name, model in _integer_models(chain, signal.shape[1]).items()
    }


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
