import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, export, load_manifest
from tflite_export._svg import line_chart
from tflite_export.report import report_html
from tflite_export.verify import Check, compare

RNG = np.random.default_rng(0)
FORM = FixedPoint(8, 6)


def fir(num_taps=5, complex=True):
    shape = (num_taps, 1, 1, 2) if complex else (num_taps, 1, 1)
    taps = RNG.integers(-128, 128, shape)
    return FIRSpec(taps, FORM, FORM, FORM, "circular", 1, complex)


def page(chain, real=None, **arguments):
    real = real or [None] * len(chain.stages)
    return report_html(chain, real, {"x.h": b"abc"}, {}, name="x", **arguments)


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_alone():
    text = page(ChainSpec([fir(), fir(3)], 2))
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "http" not in text and "<script" not in text
    assert text.count("<svg") == 4 and "3 bytes" in text


def test_steps_that_repeat_are_drawn_once():
    same = fir()
    text = page(ChainSpec([same] * 25 + [fir(3)], 2))
    assert text.count('class="stage"') == 3
    assert "× 25" in text and "3 complex taps, 8 bits" in text


def test_the_curve_of_a_filter_is_its_response():
    stage = FIRSpec(
        np.array([1, 0, 1])[:, None, None], FORM, FORM, FORM, complex=False
    )
    text = page(ChainSpec([stage], 1))
    points = re.findall(r'points="([^"]+)"', text)[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    # |1 + z^-2|: 0 at a quarter of the sampling rate, 1 at 0 and a half.
    lowest = np.argsort(heights)[-2:]
    assert sorted(lowest) == [50, 150]
    assert np.argmin(heights) in (0, 100, 200)


def test_cost_and_what_targets_tell_are_lines():
    chain = ChainSpec([fir()], 2)
    told = {"litert": {"models": {"a.tflite": {"bytes": 7}}, "kinds": ["x"]}}
    text = report_html(chain, [None], {}, told, name="x")
    assert "<td>models, a.tflite, bytes</td><td>7</td>" in text
    assert "<td>kinds</td><td>x</td>" in text
    # Five complex taps: four multiplications each.
    assert "<td>multiplications</td><td>20</td>" in text


def test_checks_are_told():
    chain = ChainSpec([fir()], 2)
    checks = [
        Check("a.h", 10),
        Check("b.v", reason="no iverilog"),
        compare("c.tflite", np.array([1, 3]), np.array([1, 2]), exact=False),
    ]
    text = page(chain, checks=checks)
    assert "equal in all of 10 numbers" in text
    assert "not run: no iverilog" in text
    assert "1 of 2 numbers differ, SNR 7.0 dB" in text
    assert "were not run" in page(chain)


def test_names_are_escaped():
    chart = line_chart(
        "<b>", np.arange(2), {"a&b": np.ones(2)}, x_label="x", y_label="y"
    )
    assert "<b>" not in chart and "a&amp;b" in chart


@pytest.mark.parametrize("values", [np.zeros(3), np.array([1.0, 2.0, 3.0])])
def test_charts_of_flat_curves_have_a_range(values):
    chart = line_chart(
        "t", np.arange(3), {"a": values}, x_label="x", y_label="y"
    )
    assert "nan" not in chart


def test_the_manifest_and_the_report_say_what_int8_promises(layer, tmp_path):
    result = export(
        layer,
        tmp_path / "fir",
        ["litert", "report"],
        options={"litert": {"profiles": ["exact", "int8"]}},
        verify=True,
    )
    assert load_manifest(tmp_path / "fir") == result.spec
    manifest = json.loads(result.files["manifest.json"].read_text())
    models = manifest["targets"]["litert"]["models"]
    assert models["filter_exact.tflite"]["exact"] is True
    found = models["filter_int8.tflite"]
    assert found["exact"] is False and found["snr_db"] > 30
    page = result.files["report.html"].read_text()
    before = "<td>models, filter_int8.tflite, "
    assert f"{before}exact</td><td>False</td>" in page
    assert f"{before}promise</td><td>an SNR alone: samples differ" in page
    for ratio in ("snr_db", "snr_to_float_db"):
        assert f"{before}{ratio}</td><td>{found[ratio]}</td>" in page
    (check,) = [each for each in result.checks if "int8" in each.name]
    assert check.told() in page and "no equality is promised" in page
