"""A whole quantized backpropagation equals docs/fixed_point.md on integers."""

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import DBPFormats, FiberLink, LearnedDBP


def rounded(exact, fraction_bits, form):
    """Exact integers of `fraction_bits` to `form`, half up, saturated."""
    shift = fraction_bits - form.fraction_bits
    if shift > 0:
        exact = (exact + (1 << (shift - 1))) >> shift
    else:
        exact = exact << -shift
    return np.clip(exact, form.minimum_integer, form.maximum_integer)


def integer_dbp(model, x):
    """All steps on int64, from the converter to the last rotation."""
    forms = model.formats
    f = {
        role: getattr(forms, role).fraction_bits for role in forms.get_config()
    }
    signal = forms.input
    x = rounded(np.rint(x * 2.0**20).astype("int64"), 20, signal)
    for fir, kerr in zip(model.fir_layers, model.kerr_layers, strict=True):
        h = fir.export_taps()[:, 0, 0]
        middle = len(h) // 2
        i, q = x[..., 0::2], x[..., 1::2]
        sums = np.zeros((*i.shape, 2), "int64")
        for k, (a, b) in enumerate(h):
            u, v = (np.roll(part, k - middle, axis=1) for part in (i, q))
            sums += np.stack([a * u - b * v, a * v + b * u], axis=-1)
        u = rounded(sums, f["taps"] + signal.fraction_bits, forms.fir)
        signal = forms.output
        power = (u**2).sum(axis=(-2, -1), keepdims=True)
        p = rounded(power, 2 * f["fir"], forms.power)
        c = kerr.coefficient_quantizer.to_integers(kerr.coefficients)[0]
        theta = rounded(c * p, f["coefficient"] + f["power"], forms.phase)
        one = 1 << (2 * f["phase"] + 1)
        cosine = rounded(one - theta**2, 2 * f["phase"] + 1, forms.rotation)
        sine = rounded(theta, f["phase"], forms.rotation)
        turned = np.stack(
            [
                u[..., 0] * cosine[..., 0] + u[..., 1] * sine[..., 0],
                u[..., 1] * cosine[..., 0] - u[..., 0] * sine[..., 0],
            ],
            axis=-1,
        )
        z = rounded(turned, f["fir"] + f["rotation"], forms.output)
        x = z.reshape(*z.shape[:2], -1)
    return x


@pytest.mark.parametrize("polarizations", [1, 2])
@pytest.mark.parametrize(("tap_bits", "signal_bits"), [(6, 10), (10, 14)])
def test_every_sample_is_the_integers(
    polarizations, tap_bits, signal_bits, compiled
):
    link = FiberLink.isit(
        num_spans=4, polarizations=polarizations, launch_power=5.0
    )
    model = LearnedDBP(
        link,
        num_taps=[5, 3, 7, 5],
        method="taylor2",
        formats=DBPFormats.of(
            tap_bits=tap_bits,
            signal_bits=signal_bits,
            coefficient=FixedPoint(signal_bits, signal_bits + 2, signed=False),
        ),
    )
    model.build((None, 64, 2 * polarizations))
    model.choose_scales()
    # The gain at the end is real, and no part of the integers.
    model.output_gain.assign(1.0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 64, 2 * polarizations)).astype("float32")
    x = np.round(x * 2.0**20).astype("float32") * np.float32(2.0**-20)
    found = compiled(lambda x: model.compensate(x))(x)
    expected = integer_dbp(model, x.astype("float64"))
    scale = 2.0**model.formats.output.fraction_bits
    np.testing.assert_array_equal(found * scale, expected)
    assert np.abs(expected).max() > scale
