"""The layers of a digital backpropagation in the time domain."""

import keras

from keras_bp.layers.fixed_point_quantizer import FixedPointQuantizer
from keras_bp.layers.kerr_rotation import KerrRotation
from keras_bp.layers.quantized_fir import QuantizedFIR
from keras_bp.optics._dbp_taps import (
    designed_taps,
    needs_float64,
    stored_taps,
)


def make_layers(model, trainable):
    """Gives `model` its quantizer, filters and rotations.

    Args:
        model: `TimeDomainDBP` with its arguments and the coefficients of its
            steps.
        trainable: Boolean, whether the filters are trained.
    """
    policy = model.dtype_policy
    model.input_quantizer = None
    if model.formats.input is not None:
        model.input_quantizer = FixedPointQuantizer(
            model.formats.input,
            gradient=model.signal_gradient,
            name="input",
            dtype=policy,
        )
    model.fir_layers = [
        _fir(model, index, taps, trainable)
        for index, taps in enumerate(designed_taps(model))
    ]
    model.kerr_layers = [
        KerrRotation(
            coefficient,
            method=model.method,
            power_taps=model.power_taps,
            lut_bits=model.lut_bits,
            signal_format=model.formats.fir,
            formats=model.formats.kerr,
            gradient=model.signal_gradient,
            trainable=False,
            name=f"kerr_{index}",
            dtype=policy,
        )
        for index, coefficient in enumerate(model.kerr_coefficients)
    ]


def _fir(model, index, taps, trainable):
    wide = needs_float64(model.formats, len(taps))
    return QuantizedFIR(
        filters=None,
        num_taps=len(taps),
        tap_format=model.formats.taps,
        signal_format=None,
        output_format=model.formats.fir,
        symmetric=True,
        padding="circular",
        tap_initializer=keras.initializers.Constant(stored_taps(taps).tolist()),
        tap_gradient=model.tap_gradient,
        signal_gradient=model.signal_gradient,
        accumulator="float64" if wide else "float32",
        trainable=trainable,
        name=f"fir_{index}",
        dtype=model.dtype_policy,
    )
