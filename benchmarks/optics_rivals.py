"""The fiber channel as other packages compute it, where they are installed."""

import functools
import types

import numpy as np


def propagations(link, field, steps):
    """Functions that send `field` through one span in equal steps.

    Args:
        link: `keras_bp.optics.FiberLink` of one polarization.
        field: Complex array of shape `(batch, 1, time)`, sqrt(W).
        steps: Integer.

    Returns:
        Dictionary from a name to a function without arguments that returns
        the field; of the packages that can be imported.
    """
    found = {}
    for name, make in (
        ("OptiCommPy", _opticommpy),
        ("Sionna", _sionna),
        ("Sionna, XLA", functools.partial(_sionna, jit_compile=True)),
    ):
        try:
            found[name] = make(link, field, steps)
        except ImportError:
            print(f"{name} is not installed; see CONTRIBUTING.md.")
    return found


def _opticommpy(link, field, steps):
    """NumPy, block by block: its channel takes one field at a time."""
    from optic.models.channels import ssfm

    param = types.SimpleNamespace(
        Ltotal=link.span_length,
        Lspan=link.span_length,
        hz=link.span_length / steps,
        alpha=link.attenuation,
        D=dispersion_parameter(link),
        gamma=link.gamma,
        Fc=carrier(link),
        Fs=link.symbol_rate * link.simulation_samples_per_symbol * 1e9,
        amp=None,
        NF=link.noise_figure,
        prgsBar=False,
        maxIter=10,
        tol=1e-5,
        prec=field.dtype.type,
    )
    blocks = [np.ascontiguousarray(block[0]) for block in field]

    def run():
        return np.stack([np.ravel(ssfm(block, param)) for block in blocks])

    return run


def _sionna(link, field, steps, jit_compile=False):
    """TensorFlow; its signs of time are the other ones, so it conjugates."""
    import tensorflow as tf
    from sionna.phy.channel.optical import SSFM

    wide = field.dtype == np.complex128
    rate = link.symbol_rate * link.simulation_samples_per_symbol
    fiber = SSFM(
        alpha=link.attenuation_per_km,
        beta_2=link.beta_2,
        f_c=carrier(link),
        gamma=link.gamma,
        half_window_length=0,
        length=link.span_length,
        n_ssfm=steps,
        n_sp=1.0,
        sample_duration=1e3 / rate,
        t_norm=1e-12,
        with_amplification=False,
        with_attenuation=True,
        with_dispersion=True,
        with_manakov=False,
        with_nonlinearity=True,
        precision="double" if wide else "single",
    )
    signal = tf.constant(np.conj(field[:, 0]))
    compiled = tf.function(fiber, jit_compile=jit_compile)
    return lambda: np.conj(compiled(signal).numpy())


def carrier(link):
    """Frequency of the carrier in Hz."""
    return 299_792_458.0 / (link.wavelength * 1e-9)


def dispersion_parameter(link):
    """D in ps/nm/km."""
    wavelength = link.wavelength * 1e-9
    per_m = -2 * np.pi * 299_792_458.0 / wavelength**2 * link.beta_2 * 1e-27
    return per_m * 1e6
