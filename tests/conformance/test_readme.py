"""The README's code runs as printed, and its parts are in order."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from catalogue import public_objects

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


# One process for all: to start one takes longer than most of them.
RUN = """
import contextlib, io, json, sys
shown = []
for number, code in enumerate(json.load(sys.stdin)):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        exec(compile(code, f"block {number} of the README", "exec"), {})
    shown.append(text.getvalue())
print(json.dumps(shown))
"""


@pytest.mark.slow
def test_code_runs_as_printed(tmp_path):
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    variables.pop("KERAS_BP_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(BLOCKS),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=variables,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = [text.strip() for text in json.loads(done.stdout)]
    assert float(printed[0]) > 0.9
    (maps,) = of_blocks_with("Attributor", printed)
    assert maps.startswith("(5, 28, 28, 1) AttributionReport(covered=(")
    assert of_blocks_with("slope.numpy()", printed) == ["2.0"]


def of_blocks_with(word, printed):
    pairs = zip(BLOCKS, printed, strict=True)
    return [text for block, text in pairs if word in block]


def test_the_first_example_is_short():
    code = [line for line in BLOCKS[0].splitlines() if line]
    assert len(BLOCKS) == 9 and len(code) <= 13
    assert sum("import" not in line for line in code) <= 10


def test_the_parts_are_in_order():
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert titles == [
        "Install",
        "Ten lines",
        "Variants",
        "Saving and loading",
        "Export",
        "Results",
        "Limits",
        "Two commands",
        "Citation",
    ]


def test_linked_files_exist():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert "docs/images/quickstart.png" in targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_every_name_in_the_table_of_variants_exists():
    from keras_bp import layers, ops

    known = {name.split(".")[-1] for name, _ in public_objects()}
    table = TEXT.split("## Variants")[1].split("An estimator of your own")[0]
    named = re.findall(r"`(?:\w+\.)?([A-Z]\w+|swap_activations)\b", table)
    assert set(layers.__all__) <= set(named)
    assert set(named) <= known
    estimators = set(re.findall(r'"(\w+)"', table)) & set(
        ops.binary_estimators()
    )
    assert estimators == set(ops.binary_estimators())
    named = set(re.findall(r'"(\w+)"', table))
    assert {"score", "rloo", "disarm", "relax", "vimco"} <= named
