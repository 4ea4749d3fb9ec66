import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.metrics import BitErrorRate
from keras_bp.optics import plot_power_sweep

COUNTED = {
    2.0: BitErrorRate(900, 10**5),
    0.0: BitErrorRate(20, 10**5),
    -2.0: BitErrorRate(400, 10**5),
}


def draw(curves, **arguments):
    return plot_power_sweep(Figure().subplots(), curves, **arguments)


def test_ratios_are_drawn_in_the_order_of_the_power():
    axes = draw({"EDC": {2: 14.0, -2: 12.0, 0: 15.0}, "DBP": {0: 20.0}})
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [-2, 0, 2])
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [12, 15, 14])
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told == ["EDC", "DBP"]
    assert axes.get_ylabel() == "effective SNR in dB"
    assert axes.get_xlabel() == "launch power in dBm"


def test_rates_have_their_intervals_on_a_logarithmic_axis():
    axes = draw({"DBP": COUNTED}, measure="ber")
    assert axes.get_yscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [-2, 0, 2])
    # The line has a gap where a bound is all that is known.
    line = axes.lines[0].get_ydata()
    np.testing.assert_allclose(line, [4e-3, np.nan, 9e-3])
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), [-2, 2])
    (container,) = axes.containers
    ends = [line[:, 1] for line in container[2][0].get_segments()]
    wanted = [COUNTED[power].interval() for power in (-2.0, 2.0)]
    np.testing.assert_allclose(ends, wanted)


def test_few_errors_are_a_bound_and_not_a_value():
    axes = draw({"DBP": COUNTED}, measure="ber")
    bounds = [line for line in axes.lines if line.get_marker() == "v"]
    np.testing.assert_allclose(
        bounds[0].get_ydata(), [COUNTED[0.0].upper_bound()]
    )
    none = draw({"DBP": {0.0: BitErrorRate(0, 1000)}}, measure="ber")
    assert np.isnan(none.lines[0].get_ydata()).all()


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="'snr' or 'ber'"):
        draw({"EDC": {0: 1.0}}, measure="q")
    with pytest.raises(ValueError, match="at least one curve"):
        draw({})
