"""Runs exported artefacts, and compares them with the integer reference."""

import dataclasses

import numpy as np

from tflite_export import c, litert, vectors, verilog
from tflite_export.litert._calibration import signal_like
from tflite_export.litert._told import is_exact, least_snr_of_int8
from tflite_export.litert.snr import outputs_of
from tflite_export.stream import Stream
from tflite_export.tools import MissingToolError

_TIME = 64


@dataclasses.dataclass(frozen=True)
class Check:
    """What came of running one artefact.

    Args:
        name: String, the file, or what runs it.
        samples: Integer, numbers compared; 0 where it was not run.
        differing: Integer, those that differ from the reference.
        snr: Float, ratio of the reference to the difference in dB, infinite
            where there is none.
        exact: Boolean, whether it promises to be equal.
        reason: String, why it was not run, or None.
        least_snr: Float, the SNR in dB that it promises instead, or minus
            infinity.
    """

    name: str
    samples: int = 0
    differing: int = 0
    snr: float = float("inf")
    exact: bool = True
    reason: str | None = None
    least_snr: float = float("-inf")

    @property
    def failed(self):
        """Whether it breaks its promise."""
        if self.exact:
            return self.differing > 0
        return self.snr < self.least_snr

    def told(self):
        """What came of it, in words."""
        if self.reason:
            return f"not run: {self.reason}"
        note = "" if self.exact else "; no equality is promised"
        if self.failed and not self.exact:
            note += f", but an SNR of {self.least_snr:.1f} dB is"
        if not self.differing:
            return f"equal in all of {self.samples:,} numbers{note}"
        return (
            f"{self.differing:,} of {self.samples:,} numbers differ, "
            f"SNR {self.snr:.1f} dB{note}"
        )


def verify(chain, files, *, name, targets, batch, time):
    """Runs artefacts on test vectors, where what runs them is installed.

    Args:
        chain: `ChainSpec`.
        files: Dictionary from file names to bytes.
        name: String, of the filter.
        targets: Dictionary from targets to their options.
        batch: Integer, batch size of the LiteRT models.
        time: Integer, samples of a signal of theirs.

    Returns:
        List of `Check`.
    """
    checks = []
    if "litert" in targets:
        checks += _litert_checks(chain, files, name, batch, time)
        checks += _int8_checks(
            chain, files, name, batch, time, **targets["litert"]
        )
    if "c" in targets:
        checks.append(
            _streamed(
                chain,
                f"{name}.h",
                lambda signal: c.run(files[f"{name}.h"].decode(), signal),
            )
        )
    if "verilog" in targets:
        design = verilog.to_verilog(chain, name, **targets["verilog"])
        # The text that was exported, not the one made just now.
        kept = {file: files[file].decode() for file in design.sources}
        design = dataclasses.replace(design, files=design.files | kept)
        checks.append(
            _streamed(
                chain, f"{name}.v", lambda signal: verilog.run(design, signal)
            )
        )
    return checks


def compare(name, found, expected, exact=True):
    """The `Check` of an output against that of the reference."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        count = expected.size
        return Check(name, count, count, float("-inf"), exact)
    error = float(np.sum((found - expected).astype("float64") ** 2))
    signal = float(np.sum(expected.astype("float64") ** 2))
    snr = float("inf")
    if error:
        snr = 10 * np.log10(max(signal, 1e-300) / error)
    differing = int(np.sum(found != expected))
    return Check(name, found.size, differing, float(snr), exact)


def _litert_checks(chain, files, name, batch, time):
    signal = vectors.draw(chain, "random", time, batch=batch)
    expected = chain.run(signal)
    checks = []
    for profile in ("exact", "fast"):
        file = f"{name}_{profile}.tflite"
        if file in files:
            found = litert.run(files[file], signal)
            checks.append(
                compare(file, found, expected, is_exact(chain, profile))
            )
    file = f"{name}_stream.tflite"
    if file in files:
        session = litert.Session(files[file])
        signal = vectors.draw(
            chain, "full_scale", 4 * session.block, batch=batch
        )
        found = session.process(signal)
        expected = Stream(chain, batch).process(signal)
        checks.append(compare(file, found, expected))
    return checks


def _int8_checks(
    chain, files, name, batch, time, calibration="random", **options
):
    """Of a model that promises a ratio, on a signal as it is made for."""
    file = f"{name}_int8.tflite"
    if file not in files:
        return []
    signal = signal_like(chain, calibration, batch, time)
    found = outputs_of(chain, files[file], signal)
    check = compare(file, found, chain.run(signal), exact=False)
    least = least_snr_of_int8(chain, calibration, signal)
    return [dataclasses.replace(check, least_snr=least)]


def _streamed(chain, name, run):
    time = chain.memory + _TIME
    kinds = ("random", "full_scale")
    signal = np.concatenate(
        [vectors.draw(chain, kind, time) for kind in kinds], axis=1
    )
    try:
        found = run(signal)
    except MissingToolError as error:
        return Check(name, reason=str(error))
    return compare(name, found, Stream(chain).process(signal))
