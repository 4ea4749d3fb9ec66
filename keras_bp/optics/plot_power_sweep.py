"""A picture of a measure against the launch power."""

import numpy as np

from keras_bp.optics.plot_constellation import check_axes


def plot_power_sweep(axes, curves, *, measure="snr"):
    """Draws curves over the launch power.

    Args:
        axes: `matplotlib.axes.Axes`.
        curves: Dictionary from a name to a dictionary from a launch power in
            dBm to a value: floats in dB, or `keras_bp.metrics.BitErrorRate`.
        measure: String, `"snr"` for dB, or `"ber"` for counted error rates on
            a logarithmic axis, with intervals of 95 %; an arrow marks an
            upper bound, where fewer than 100 errors were counted. Defaults to
            `"snr"`.

    Returns:
        `axes`.

    Raises:
        ValueError: `measure` is unknown, or there is no curve.
    """
    if measure not in ("snr", "ber"):
        raise ValueError(
            "plot_power_sweep expects `measure` to be 'snr' or 'ber'. "
            f"Received: measure={measure!r}"
        )
    check_axes(axes, "plot_power_sweep")
    if not isinstance(curves, dict) or not curves:
        raise ValueError(
            "plot_power_sweep expects a dictionary of at least one curve. "
            f"Received: curves={curves!r}"
        )
    for index, (name, curve) in enumerate(curves.items()):
        powers = sorted(curve)
        style = {"color": f"C{index}", "label": name}
        if measure == "snr":
            values = [curve[power] for power in powers]
            axes.plot(powers, values, "o-", ms=4, **style)
        else:
            _plot_rates(axes, {power: curve[power] for power in powers}, style)
    if measure == "ber":
        axes.set_yscale("log")
    label = {"snr": "effective SNR in dB", "ber": "counted bit error rate"}
    axes.set(xlabel="launch power in dBm", ylabel=label[measure])
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return axes


def _plot_rates(axes, curve, style):
    # A line over what is a bound alone would claim a rate.
    known = [rate.value if rate.reliable else np.nan for rate in curve.values()]
    axes.plot(list(curve), known, "-", color=style["color"])
    sure = {p: rate for p, rate in curve.items() if rate.reliable}
    bounds = {
        p: rate.upper_bound() for p, rate in curve.items() if not rate.reliable
    }
    values = np.array([rate.value for rate in sure.values()])
    ends = np.array([rate.interval() for rate in sure.values()])
    ends = ends.reshape(-1, 2).T
    spread = np.abs(ends - values) if sure else None
    axes.errorbar(
        list(sure), values, yerr=spread, fmt="o", ms=4, capsize=2, **style
    )
    axes.plot(
        list(bounds), list(bounds.values()), "v", ms=6, color=style["color"]
    )
