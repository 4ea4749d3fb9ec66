"""The fiber channel against other packages' on the same field.

Run it as `python -m benchmarks.optics_agreement` in the environment that
`make rivals` makes. It needs OptiCommPy and Sionna.
"""

import types

import numpy as np

from benchmarks import optics_rivals, results
from benchmarks import parts as benchmark
from keras_bp.optics import FiberLink, split_step

_LINK = FiberLink(launch_power=6.0)
_DUAL = FiberLink(launch_power=9.0, polarizations=2)


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, not used: nothing is timed.

    Returns:
        Dictionary.
    """
    return {"single": _one_polarization, "dual": _two_polarizations}


def _field(link, samples=1024):
    """Noise in the band of the signal, at the launch power."""
    rng = np.random.default_rng(0)
    shape = (1, link.polarizations, samples, 2)
    spectrum = np.fft.fft(rng.normal(size=shape) @ [1, 1j])
    band = np.abs(np.fft.fftfreq(samples)) < 0.1
    field = np.fft.ifft(spectrum * band)
    power = np.mean(np.abs(field) ** 2)
    return field * np.sqrt(link.reference_power / power)


def _row(name, metric, found, wanted, aim=None):
    error = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
    aim = None if aim is None else f"<= {aim}"
    return results.row(name, metric, error, "", aim=aim)


def _one_polarization():
    field, steps = _field(_LINK), 400
    arguments = {"rule": "constant", "kerr_length": "step"}
    ours = split_step(field, _LINK, steps, **arguments).numpy()[0, 0]
    single = split_step(
        field.astype("complex64"), _LINK, steps, **arguments
    ).numpy()[0, 0]
    rivals = optics_rivals.propagations(_LINK, field, steps)
    narrow = optics_rivals.propagations(_LINK, field.astype("complex64"), steps)
    narrow = np.ravel(narrow["Sionna"]())
    told = "relative difference, one span, 400 equal steps"
    return [
        _row("OptiCommPy ssfm", told, rivals["OptiCommPy"]()[0], ours, 1e-10),
        _row(
            "Sionna SSFM, conjugated, complex128",
            told,
            np.ravel(rivals["Sionna"]()),
            ours,
            1e-6,
        ),
        # Hundreds of steps in single precision: each against itself in double.
        _row("Sionna SSFM", "complex64 against complex128", narrow, ours),
        _row("split_step", "complex64 against complex128", single, ours),
    ]


def _two_polarizations():
    """Their steps iterate a trapezoid: the limits of small steps are equal.

    Each is extrapolated from two numbers of steps, which takes the error of
    second order away.
    """
    field = _field(_DUAL)
    there = _extrapolated(lambda n: _ours(field, n, inverse=False))
    back = _extrapolated(lambda n: _ours(there, n, inverse=True))
    told = "relative difference, one span, both extrapolated to no step"
    return [
        _row(
            "OptiCommPy manakovSSF",
            told,
            _extrapolated(lambda n: _theirs("manakovSSF", field, n)),
            there,
            1e-10,
        ),
        _row(
            "OptiCommPy manakovDBP",
            told,
            _extrapolated(lambda n: _theirs("manakovDBP", there, n)),
            back,
            1e-10,
        ),
    ]


def _extrapolated(propagate, steps=400):
    """From the errors of second and fourth order in the step."""
    coarse, middle, fine = (propagate(steps * k) for k in (1, 2, 4))
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15


def _ours(field, steps, inverse):
    return split_step(
        field, _DUAL, steps, rule="constant", inverse=inverse
    ).numpy()


def _theirs(name, field, steps):
    from optic.dsp import equalization
    from optic.models import channels

    functions = {
        "manakovSSF": getattr(channels, "manakovSSF", None),
        "manakovDBP": getattr(equalization, "manakovDBP", None),
    }
    link = _DUAL
    param = types.SimpleNamespace(
        Ltotal=link.span_length,
        Lspan=link.span_length,
        hz=link.span_length / steps,
        alpha=link.attenuation,
        D=optics_rivals.dispersion_parameter(link),
        gamma=link.gamma,
        Fc=optics_rivals.carrier(link),
        Fs=link.symbol_rate * link.simulation_samples_per_symbol * 1e9,
        amp=None,
        maxIter=100,
        tol=1e-15,
        nlprMethod=False,
        prgsBar=False,
    )
    found = functions[name](np.ascontiguousarray(field[0].T), param)
    return np.asarray(found).T[None]


if __name__ == "__main__":
    benchmark.main(
        parts,
        "Optics, agreement with other packages",
        "python -m benchmarks.optics_agreement",
    )
