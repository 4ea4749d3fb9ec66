"""Events of mkdocs: generated pages, links to the API, formulas, a check."""

import html
import json
import pathlib
import re
import subprocess

from content import (
    ROOT,
    api_links,
    api_page,
    moved_page,
    notebook_page,
    rooms,
    with_titles,
)
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

KATEX = ROOT / ".tools/docs/node_modules/katex"
_FROM_TOP = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])'
    r"(?P<tex>.*?)\\[)\]]</(?P=tag)>",
    re.DOTALL,
)
# What a browser would load from elsewhere; a link to follow is none of it.
_OUTSIDE = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//[^\s>]+"
    r"|<link\b(?=[^>]*\brel=\"?(?:stylesheet|preconnect|preload|icon))"
    r"[^>]*\bhref=\"?(?:https?:)?//[^\s>]+"
)
_renderer = None


def on_config(config):
    """Appends the pages of the API to the navigation."""
    pages = [{room: f"api/{room}.md"} for room in rooms()]
    config.nav.append({"API": pages})
    return config


def on_files(files, config):
    """Adds what is not in docs: README, API, notebooks as pages, KaTeX."""
    made = {
        page: moved_page((ROOT / source).read_text(encoding="utf-8"))
        for page, source in _FROM_TOP.items()
    }
    for room, names in rooms().items():
        made[f"api/{room}.md"] = api_page(room, names)
    for path in sorted((ROOT / "docs/notebooks").glob("*.ipynb")):
        made[f"notebooks/{path.stem}.md"] = notebook_page(path)
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    for uri, path in _static().items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def _static():
    """Dictionary from the place of each file in the site to its source."""
    folder = KATEX / "dist"
    if not folder.exists():
        raise PluginError(f"KaTeX expects to be in {KATEX}. Run `make docs`.")
    found = {"license.txt": ROOT / "LICENSE"}
    found["assets/katex/katex.min.css"] = folder / "katex.min.css"
    for path in (folder / "fonts").glob("*.woff2"):
        found[f"assets/katex/fonts/{path.name}"] = path
    found["assets/site.css"] = pathlib.Path(__file__).with_name("site.css")
    return found


def on_page_markdown(markdown, page, **kwargs):
    """Says which blocks the tests execute, and links to the API."""
    uri = page.file.src_uri
    if uri.startswith(("api/", "results/", "changelog")):
        return markdown
    links = "" if uri == "index.md" else api_links(markdown)
    return with_titles(markdown) + links


def on_page_content(content, page, **kwargs):
    """Renders the formulas; one that KaTeX cannot read fails the build."""

    def rendered(found):
        tex, display = html.unescape(found["tex"]), found["open"] == "["
        answer = _render(tex, display)
        if "error" in answer:
            place = f"{page.file.src_uri}: formula {tex!r}"
            raise PluginError(f"{place}: {answer['error']}")
        return answer["html"]

    return _FORMULA.sub(rendered, content)


def _render(tex, display):
    """Asks the one process of KaTeX, a line each way."""
    global _renderer
    if _renderer is None:
        script = pathlib.Path(__file__).with_name("katex.js")
        _renderer = subprocess.Popen(
            ["node", str(script), str(KATEX)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
    _renderer.stdin.write(json.dumps({"tex": tex, "display": display}) + "\n")
    _renderer.stdin.flush()
    return json.loads(_renderer.stdout.readline())


def on_post_build(config):
    """Ends KaTeX; fails if a page would load anything from elsewhere."""
    global _renderer
    if _renderer is not None:
        _renderer.stdin.close()
        _renderer.wait()
        _renderer.stdout.close()
        _renderer = None
    for path in sorted(pathlib.Path(config.site_dir).rglob("*.html")):
        found = _OUTSIDE.findall(path.read_text(encoding="utf-8"))
        if found:
            raise PluginError(f"{path.name} loads from elsewhere: {found}")
