"""A page that shows what was exported, and what rounding costs."""

import html
import itertools

import numpy as np

from tflite_export import vectors
from tflite_export._svg import line_chart
from tflite_export.cost.operations import operations
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.real_model import real_kernel, snr_of_integers

_POINTS = 201

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 2rem; } table { border-collapse: collapse; }
td, th { border-bottom: 1px solid #ddd; padding: .25rem .8rem .25rem 0;
  text-align: left; vertical-align: top; }
.chain { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem; }
.stage { border: 1px solid #1f77b4; border-radius: 6px; padding: .4rem .6rem;
  font-size: 13px; } .stage b { display: block; }
"""


def report_html(chain, real, files, told, *, name, checks=None):
    """The page, one file without links.

    Args:
        chain: `ChainSpec`.
        real: List, see `tflite_export.real_model.run_real`.
        files: Dictionary from file names to bytes.
        told: Dictionary from each target to what it tells of itself.
        name: String, of the filter.
        checks: List of `tflite_export.verify.Check`, or None where nothing
            was run.

    Returns:
        String, HTML.
    """
    title = f"{name}: exported filter"
    sections = [
        ("Signal path", _diagram(chain)),
        ("Responses", _responses(chain, real)),
        ("What rounding costs", _rounding(chain, real)),
        ("Targets", _checks(checks) + _told(told)),
        ("Cost", _cost(chain)),
        ("Files", _files(files)),
    ]
    body = "".join(
        f"<h2>{heading}</h2>{content}" for heading, content in sections
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1>{body}</html>\n"
    )


def _diagram(chain):
    """Boxes in a line; a group of stages that repeats is shown once."""
    boxes = [_box(stage) for stage in chain.stages]
    shown, period = [_input_box(chain)], _period(boxes)
    for repeat, group in itertools.groupby(
        enumerate(boxes), key=lambda pair: pair[0] < period[0] * period[1]
    ):
        group = [box for _, box in group]
        if repeat and period[1] > 1:
            group = group[: period[0]]
            group[-1] += f" <b>× {period[1]}</b>"
            shown += group
        else:
            shown += group
    return f'<div class="chain">{" → ".join(shown)}</div>'


def _period(boxes):
    """How many boxes repeat at the beginning, and how often."""
    for length in range(1, len(boxes) // 2 + 1):
        count = 1
        while boxes[count * length :][:length] == boxes[:length]:
            count += 1
        if count > 1:
            return length, count
    return len(boxes), 1


def _input_box(chain):
    return _stage_box(
        "Input", f"{chain.channels} channels", _told_format(chain.input_format)
    )


def _box(stage):
    after = f"to {_told_format(stage.output_format)}"
    if isinstance(stage, FIRSpec):
        count, inputs, outputs = stage.kernel.shape
        kind = "complex" if stage.complex else "real"
        each = f"{count} {kind} taps, {stage.tap_format.word_length} bits"
        if (inputs, outputs) not in ((2, 2), (1, 1)):
            each += f", {inputs} to {outputs} channels"
        return _stage_box("FIR filter", each, after)
    if isinstance(stage, KerrSpec):
        count = len(stage.coefficients)
        taps = f", {count} coefficients" if count > 1 else ""
        return _stage_box("Kerr rotation", f"{stage.method}{taps}", after)
    return _stage_box("Rounding", "to another format", after)


def _stage_box(heading, *lines):
    return (
        f'<div class="stage"><b>{html.escape(heading)}</b>'
        f"{'<br>'.join(map(html.escape, lines))}</div>"
    )


def _told_format(form):
    sign = "signed" if form.signed else "unsigned"
    return (
        f"{form.word_length} bits, {form.fraction_bits} of them fraction, "
        f"{sign}, {form.rounding}, {form.overflow}"
    )


def _responses(chain, real):
    """Of the first filter, and of all one after the other."""
    turns = np.linspace(-0.5, 0.5, _POINTS)
    firs = [
        (stage, numbers)
        for stage, numbers in zip(chain.stages, real, strict=True)
        if isinstance(stage, FIRSpec)
    ]
    found = {
        "real": [_response(real_kernel(*pair), turns) for pair in firs],
        "integer": [
            _response(real_kernel(stage, None), turns) for stage, _ in firs
        ],
    }
    first = {name: each[0] for name, each in found.items()}
    charts = _pair_of_charts("First filter", turns, first)
    if len(firs) > 1:
        whole = {name: np.prod(each, axis=0) for name, each in found.items()}
        charts += _pair_of_charts("All filters", turns, whole)
    return charts


def _pair_of_charts(title, turns, responses):
    """The magnitudes of real and integer filter, and their difference."""
    curves = {name: _decibels(found) for name, found in responses.items()}
    peak = max(curve.max() for curve in curves.values())
    low = max(min(curve.min() for curve in curves.values()), peak - 60)
    labels = {
        "x_label": "frequency in units of the sampling rate",
        "y_label": "dB",
    }
    error = _decibels(responses["integer"] - responses["real"])
    return line_chart(
        title, turns, curves, y_range=(low - 0.5, peak + 0.5), **labels
    ) + line_chart(
        f"{title}: difference of the two",
        turns,
        {"integer − real": error},
        **labels,
    )


def _decibels(response):
    return 20 * np.log10(np.abs(response) + 1e-9)


def _response(kernel, turns):
    """From the first input (I + jQ where there are pairs) to the first output.

    A complex filter has a kernel whose first row is the taps.
    """
    taps = kernel[:, 0, 0].astype(complex)
    if kernel.shape[1] > 1 and kernel.shape[2] > 1:
        taps = taps + 1j * kernel[:, 0, 1]
    phase = np.exp(-2j * np.pi * np.outer(turns, np.arange(len(taps))))
    return phase @ taps


def _rounding(chain, real):
    time = max(256, 2 * chain.memory)
    time += -time % chain.strides
    rows = []
    for kind in ("random", "full_scale"):
        signal = vectors.draw(chain, kind, time)
        rows.append((kind, f"{snr_of_integers(chain, real, signal):.1f} dB"))
    return (
        "<p>Ratio of the signal to all rounding and saturation errors, "
        "against the same chain in real numbers. Targets that are equal to "
        "the integers lose no more; what another loses beside that, is told "
        "under Targets.</p>" + _table(("input", "ratio"), rows)
    )


def _checks(checks):
    if not checks:
        return "<p>The artefacts were not run.</p>"
    rows = [(check.name, check.told()) for check in checks]
    return _table(("artefact", "run on test vectors"), rows)


def _told(told):
    rows = [
        (target, *line)
        for target, entries in told.items()
        for line in _lines(entries, "")
    ]
    return _table(("target", "property", "value"), rows)


def _lines(entries, before):
    """Entries within entries as lines of their own."""
    for entry, value in entries.items():
        name = f"{before}{entry}"
        if isinstance(value, dict):
            yield from _lines(value, f"{name}, ")
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value))
        else:
            yield name, str(value)


def _cost(chain):
    """What it takes by arithmetic alone, without a tool."""
    rows = [
        (name.replace("_", " "), f"{value:,.10g}")
        for name, value in operations(chain).total.items()
    ]
    note = (
        "<p>Real multiplications and additions for each sample that enters; "
        "pre added and shared say how many multiplications are left where the "
        "samples of equal taps are added first, and where taps are constant; "
        "adders make do without any. See tflite_export.cost for area, clock "
        "and energy.</p>"
    )
    return note + _table(("all stages", "count"), rows)


def _files(files):
    rows = [(file, f"{len(data):,} bytes") for file, data in files.items()]
    return _table(("file", "size"), rows)


def _table(head, rows):
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{cells}</tr>{lines}</table>"
