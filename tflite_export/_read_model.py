"""Reads the stages that a layer or model consists of."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_bp.layers import KerrRotation, QuantizedFIR
from keras_bp.ops import symmetric_taps
from keras_bp.optics import TimeDomainDBP
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.round_spec import RoundSpec


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a layer or model consists of.

    Args:
        stages: List of `FIRSpec`, `KerrSpec` and `RoundSpec`.
        real: List, for each stage the taps or coefficients before they are
            rounded, a float64 array of the shape of the integers, or None.
        channels: Integer, of its input.
        time: Integer, samples of its input, or None where it is not known.
        input_gain: Float.
        output_gain: Float.
    """

    stages: list
    real: list
    channels: int
    time: int | None
    input_gain: float = 1.0
    output_gain: float = 1.0


def read_stages(layer, *, owner):
    """Returns the `Reading` of a layer or model.

    Args:
        layer: See `ChainSpec.from_layer`.
        owner: String, who asks, for the message.

    Raises:
        TypeError: `layer` is none of those.
        ValueError: It is not built, does not round each number, contains
            another layer, or a rotation gets another format than it says.
    """
    if isinstance(layer, TimeDomainDBP):
        return _read_dbp(layer, owner)
    if isinstance(layer, (QuantizedFIR, KerrRotation)):
        shape = (layer.get_build_config() or {}).get("input_shape")
        return _read_layers([layer], shape, owner)
    if not isinstance(layer, keras.Model) or not _has_graph(layer):
        raise TypeError(
            f"{owner} expects a keras_bp.layers.QuantizedFIR or KerrRotation, "
            "a functional or Sequential keras.Model of them, or a "
            "keras_bp.optics.LearnedDBP. "
            f"Received: {type(layer).__module__}.{type(layer).__name__}"
        )
    if not layer.built:
        raise ValueError(
            f"{owner} expects a built model; give it a keras.Input. "
            f"Received: {layer.name!r}, which is not built"
        )
    applied = list(_applied(layer))
    known = (QuantizedFIR, KerrRotation)
    others = [each for each in applied if not isinstance(each, known)]
    if not applied or others or not _is_line(layer):
        raise ValueError(
            f"{owner} expects a model of QuantizedFIR and KerrRotation "
            "layers, one after the other, with one input and output; pass a "
            f"model cut around them. Received: {layer.name!r} with "
            f"{_named(others) or 'none but those'}, {len(layer.inputs)} inputs "
            f"and {len(layer.outputs)} outputs"
        )
    return _read_layers(applied, layer.input_shape, owner)


def _read_layers(layers, shape, owner):
    stages, real = [], []
    for layer in layers:
        before = stages[-1].output_format if stages else None
        added = _stages_of(layer, before, owner)
        stages += added
        real += [None] * (len(added) - 1) + [_real_numbers(layer)]
    each = 2
    if isinstance(stages[0], FIRSpec):
        each = stages[0].kernel.shape[1]
    channels, time = each, None
    if shape is not None:
        channels, time = shape[-1] or each, shape[1]
    return Reading(stages, real, channels, time)


def _numbers_of(form):
    """What tells which numbers a format has, however it came to them."""
    return form.step, form.minimum_integer, form.maximum_integer


def _stages_of(layer, before, owner):
    """The stage of a layer, and the rounding that it begins with."""
    if isinstance(layer, QuantizedFIR):
        signal = before if layer.signal_format is None else None
        stage = FIRSpec.from_layer(layer, signal_format=signal)
    else:
        stage = KerrSpec.from_layer(layer)
        # It does not round its input: it says what that was rounded to.
        if before and _numbers_of(before) != _numbers_of(stage.signal_format):
            raise ValueError(
                f"{owner} expects a rotation whose `signal_format` is what "
                "the layer before it rounds to, since it does not round "
                f"again: {before}. Received: {layer.name!r} with "
                f"signal_format={stage.signal_format}"
            )
    if before is None or before == stage.signal_format:
        return [stage]
    return [RoundSpec(before, stage.signal_format), stage]


def _read_dbp(model, owner):
    if not model.built:
        raise ValueError(
            f"{owner} expects a built model; call it on samples. "
            f"Received: {model.name!r}, which is not built"
        )
    formats = {
        field.name: getattr(model.formats, field.name)
        for field in dataclasses.fields(model.formats)
    }
    missing = [name for name, form in formats.items() if form is None]
    if missing:
        raise ValueError(
            f"{owner} expects a model that rounds every number; see "
            "`LearnedDBP.formats_for` and `copied`. Received: "
            f"{model.name!r} without formats of {', '.join(missing)}"
        )
    stages, real, before = [], [], model.formats.input
    rotations = [*model.kerr_layers, None]
    for fir, kerr in zip(model.fir_layers, rotations, strict=False):
        stages.append(
            FIRSpec.from_layer(
                fir, signal_format=before, output_format=model.formats.fir
            )
        )
        real.append(_real_numbers(fir))
        if kerr is not None:
            stages.append(KerrSpec.from_layer(kerr))
            real.append(_real_numbers(kerr))
        before = model.formats.output
    shape = model.fir_layers[0].get_build_config()["input_shape"]
    return Reading(
        stages,
        real,
        channels=2 * model.link.polarizations,
        time=shape[1],
        input_gain=float(model.input_gain),
        output_gain=float(model.output_gain),
    )


def _real_numbers(layer):
    """Taps or coefficients as they are trained, a float64 array."""
    if isinstance(layer, KerrRotation):
        half = ops.convert_to_numpy(layer.coefficients)
        return np.concatenate([half, half[-2::-1]]).astype("float64")
    taps = layer.tap_hold(ops.copy(layer.taps))
    if layer.symmetric:
        taps = symmetric_taps(taps)
    return ops.convert_to_numpy(taps).astype("float64")


def _has_graph(model):
    # A subclass may do anything in its `call`, and shows layers all the same.
    return isinstance(model, keras.Sequential) or hasattr(model, "operations")


def _is_line(model):
    """Whether a model of layers of one input is a line of them."""
    return len(model.inputs) == len(model.outputs) == 1


def _applied(model):
    """The layers and ops of `model`, once per call, inner models opened."""
    if isinstance(model, keras.Sequential):
        operations = model.layers
    else:
        operations = []

        def note(operation, *args, **kwargs):
            operations.append(operation)
            return operation(*args, **kwargs)

        keras.models.clone_model(
            model, clone_function=lambda layer: layer, call_function=note
        )
    for operation in operations:
        inner = isinstance(operation, keras.Model) and _has_graph(operation)
        if inner and _is_line(operation):
            yield from _applied(operation)
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _named(operations):
    return ", ".join(
        f"{operation.name} ({type(operation).__name__})"
        for operation in operations
    )
