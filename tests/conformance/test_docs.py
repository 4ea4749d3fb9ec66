"""The pages of docs: their parts, the code in them, and the notebooks."""

import ast
import contextlib
import io
import json
import pathlib
import re

import pytest

from docs.site import content, pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PAGES = sorted(DOCS.glob("*.md"))
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
IN_NAV = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", CONFIG, re.MULTILINE)
METHODS = re.findall(
    r"^ {6}- [^:\n]+: (\w+\.md)$", CONFIG, re.MULTILINE
)  # Two levels deep, and in no folder.
WHEN = "\n## When to use it, and when not\n"
MOST_BYTES = 150_000

each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.stem
)


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """An empty folder to write to, embedded data, and figures nobody sees."""
    matplotlib = pytest.importorskip("matplotlib")
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    backend = matplotlib.get_backend()
    plt.switch_backend("agg")
    yield plt
    plt.close("all")
    plt.switch_backend(backend)


def executed(codes, name):
    """Runs pieces of code in one namespace; returns what they print."""
    space, shown = {"__name__": name}, io.StringIO()
    with contextlib.redirect_stdout(shown):
        for number, code in enumerate(codes):
            exec(compile(code, f"{name}, part {number}", "exec"), space)
    return shown.getvalue()


@pytest.mark.parametrize("name", METHODS)
def test_a_page_of_a_method_has_its_parts(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    assert re.search(r"^\$\$.+\$\$$", text, re.MULTILINE | re.DOTALL)
    assert re.search(r"!\[.+\]\(images/\w+\.png\)", text)
    when = text.split(WHEN)[1].split("\n## ")[0]
    points = re.findall(r"^(?:- )?(\S+)", when, re.MULTILINE)
    assert "Not" in points and set(points) - {"Not"}, points
    blocks = content.python_blocks(text)
    assert blocks and all(reason is None for _, reason in blocks)
    assert content.named_in(text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_code_of_a_page_runs(path, in_a_folder):
    blocks = content.python_blocks(path.read_text(encoding="utf-8"))
    assert path.read_text().count("```python") == len(blocks)
    executed([code for code, reason in blocks if not reason], path.stem)


def test_a_block_that_is_not_executed_says_why():
    text = "<!-- not executed: no cluster -->\n```python\nx = y\n```\n"
    assert content.python_blocks(text) == [("x = y\n", "no cluster")]
    assert 'title="Not executed: no cluster"' in content.with_titles(text)
    text = "```python\nx = 1\n```\n"
    assert content.python_blocks(text) == [("x = 1\n", None)]
    assert 'title="Executed by the tests"' in content.with_titles(text)


def test_every_page_and_notebook_is_in_the_navigation():
    pages = {path.name for path in PAGES}
    pages |= {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    pages |= {"index.md", "contributing.md", "changelog.md"}
    pages |= {"results/README.md"}
    assert set(IN_NAV) == pages and len(IN_NAV) == len(pages)
    assert len(METHODS) == 13 and len(NOTEBOOKS) == 6


def test_the_api_pages_have_every_public_name():
    import keras_bp
    from keras_bp import layers, visualization

    rooms = content.rooms()
    assert rooms["keras_bp.layers"] == layers.__all__
    assert {f"keras_bp.{room}" for room in keras_bp.__all__[1:]} <= set(rooms)
    assert set(visualization.metrics.__all__) == set(
        rooms["keras_bp.visualization.metrics"]
    )
    page = content.api_page("keras_bp.layers", layers.__all__)
    assert "::: keras_bp.layers.BinaryNeuron" in page
    found = content.named_in("See `callbacks.SlopeAnnealing` and `fit`.")
    assert found == ["keras_bp.callbacks.SlopeAnnealing"]


def test_images_are_small_and_all_links_of_pages_lead_somewhere():
    for path in (DOCS / "images").glob("*.png"):
        assert path.stat().st_size < MOST_BYTES, path.name
    for path in PAGES:
        text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
        links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
        for link in links:
            assert (path.parent / link).exists(), (path.name, link)


@each_notebook
def test_a_notebook_is_short_and_stored_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert 8 <= len(cells) <= 15
    assert cells[0]["cell_type"] == "markdown"
    for cell in cells:
        assert not cell.get("outputs") and not cell.get("execution_count")
    words = "".join(cells[0]["source"])
    (picture,) = re.findall(r"!\[.+\]\((.+)\)", words)
    assert (path.parent / picture).exists()
    code = [
        text for kind, text in content.notebook_cells(path) if kind[0] == "c"
    ]
    assert all(ast.parse(text) for text in code)
    assert content.notebook_page(path).count("```python") == len(code)


@pytest.mark.slow
@each_notebook
def test_a_notebook_runs_and_shows_a_plot(path, in_a_folder, capsys):
    picture = pictures.draw(path, pathlib.Path())
    assert capsys.readouterr().out
    assert picture.name == f"notebook_{path.stem}.png"
    assert 5_000 < picture.stat().st_size < MOST_BYTES
    # Whatever else it writes goes elsewhere.
    assert [path.name for path in pathlib.Path().iterdir()] == [picture.name]
    assert (DOCS / "images" / picture.name).exists()
