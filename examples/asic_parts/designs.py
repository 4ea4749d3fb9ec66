"""The designs of both families, and the integers that they are."""

import dataclasses

import numpy as np

from examples.asic_parts.training import quantized_model
from examples.learned_dbp_parts.stages import test_blocks
from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import EDC, DBPFormats, TimeDomainDBP
from tflite_export import ChainSpec, FIRSpec, KerrSpec, reference


@dataclasses.dataclass(frozen=True)
class Design:
    """A quantized backpropagation.

    Args:
        family: String, `"LS"` or `"learned"`.
        taps: Integer, or a pair of lengths in turns.
        tap_bits: Integer.
        signal_bits: Integer.
        gain: Float, ahead of the first rounding.
        snr: Float, dB, on the blocks by which it was chosen.
    """

    family: str
    taps: object
    tap_bits: int
    signal_bits: int
    gain: float = 1.0
    snr: float = float("nan")

    @property
    def name(self):
        """For tables."""
        lengths = np.atleast_1d(self.taps).tolist()
        return (
            f"{self.family} {'/'.join(map(str, lengths))} taps x "
            f"{self.tap_bits} bit, {self.signal_bits}-bit signal"
        )

    @property
    def key(self):
        """Under which a store keeps what was measured on it."""
        return f"{self.steps_name}-{self.signal_bits}-{self.gain}"

    @property
    def steps_name(self):
        """Under which a store keeps its filters."""
        lengths = np.atleast_1d(self.taps).tolist()
        return f"{self.family}-{'_'.join(map(str, lengths))}-{self.tap_bits}"


def steps_of(store, sweep, design):
    """The filters of each step, kept as numbers.

    Returns:
        Dictionary: `taps`, a list of integer arrays `(num_taps, 2)`;
        `coefficients`, floats at a gain of 1; `output_gain`, the same.
    """
    kept = store.numbers(design.steps_name)
    if not kept:
        if design.family == "LS":
            model = _ls_model(store, design)
        else:
            model = quantized_model(store, sweep, design.taps, design.tap_bits)
        gain = model.input_gain
        kept = {
            "taps": [
                x.export_taps()[:, 0, 0].tolist() for x in model.fir_layers
            ],
            "coefficients": [
                float(np.asarray(layer.coefficients).item()) * gain**2
                for layer in model.kerr_layers
            ],
            "output_gain": float(model.output_gain) * gain,
        }
        store.keep_numbers(design.steps_name, kept)
    return {**kept, "taps": [np.array(taps) for taps in kept["taps"]]}


def chain_of(steps, design):
    """The `ChainSpec` of a design.

    Args:
        steps: See `steps_of`.
        design: `Design`.
    """
    coefficients = np.array(steps["coefficients"]) / design.gain**2
    formats = DBPFormats.of(
        design.tap_bits,
        design.signal_bits,
        max_coefficient=2 * float(np.abs(coefficients).max()),
        signed=bool(coefficients.min() < 0),
    )
    form = formats.coefficient
    stages, before = [], formats.input
    for taps, coefficient in zip(steps["taps"], coefficients, strict=True):
        stages.append(
            FIRSpec(
                taps[:, None, None],
                formats.taps,
                before,
                formats.fir,
                padding="circular",
            )
        )
        integer = reference.quantize(
            np.float32([coefficient]), form, -form.fraction_bits
        )
        stages.append(_kerr(integer, formats))
        before = formats.output
    return ChainSpec(stages, 2, design.gain, steps["output_gain"] / design.gain)


def best_gain(store, sweep, design):
    """`design` at the gain of the most SNR, which it then says."""
    steps, blocks = steps_of(store, sweep, design), test_blocks(store)
    found = []
    for gain in sweep.gains:
        each = dataclasses.replace(design, gain=gain)
        value = snr(store, chain_of(steps, each), blocks)
        found.append(dataclasses.replace(each, snr=value))
    return max(found, key=lambda each: each.snr)


def snr(store, chain, blocks):
    """Effective SNR in dB of the integers."""
    metric = EffectiveSNR()
    metric.update_state(blocks[1], symbols(store, chain, blocks[0]))
    return float(metric.result())


def symbols(store, chain, samples):
    """What comes out of the integers, after the matched filter in floats."""
    integers = chain.run(chain.quantize(samples))
    signal = np.float32(chain.dequantize(integers))
    return np.asarray(EDC(store.config.link).to_symbols(signal))


def _kerr(integer, formats):
    return KerrSpec(
        integer,
        formats.fir,
        formats.power,
        formats.coefficient,
        formats.phase,
        formats.rotation,
        formats.output,
    )


def _ls_model(store, design):
    formats = DBPFormats.of(design.tap_bits)
    model = TimeDomainDBP(
        store.config.link,
        design.taps,
        bandwidth=store.config.bandwidth,
        formats=formats,
        error_feedback=True,
    )
    model.build((None, *test_blocks(store)[0].shape[1:]))
    return model
