"""What is read off the pages, notebooks and packages of this repository.

Nothing here needs mkdocs, so that the tests look through the same eyes.
"""

import ast
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("keras_bp", "tflite_export")

# A comment before a block that the tests cannot execute says why.
_NOT_EXECUTED = r"<!-- not executed: (?P<reason>[^>]+?) -->\n+"
_BLOCK = re.compile(
    rf"(?:{_NOT_EXECUTED})?^```python\n(?P<code>.*?)^```$", re.DOTALL | re.M
)


def python_blocks(text):
    """Pairs of the code of each Python block and None, or why it is not run."""
    return [(m["code"], m["reason"]) for m in _BLOCK.finditer(text)]


def with_titles(text):
    """The page, with a line above each Python block: whether tests run it."""

    def titled(found):
        reason = found["reason"]
        words = f"Not executed: {reason}" if reason else "Executed by the tests"
        return f'```python title="{words}"\n{found["code"]}```'

    return _BLOCK.sub(titled, text)


def exported(folder):
    """The names in `__all__` of the package in `folder`."""
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return ast.literal_eval(node.value)
    raise ValueError(f"{folder} expects `__all__` in its __init__.py.")


def rooms():
    """Dictionary from each public package to the names it documents.

    Packages within it have an entry of their own.
    """
    found = {}
    for top in PACKAGES:
        folders = [ROOT / top]
        while folders:
            folder = folders.pop(0)
            inner = sorted(
                path.parent
                for path in folder.glob("[!_]*/__init__.py")
                if path.parent.name != "__pycache__"
            )
            names = [
                name
                for name in exported(folder)
                if folder / name not in inner and not name.startswith("__")
            ]
            if names:
                found[".".join(folder.relative_to(ROOT).parts)] = names
            folders += inner
    return found


def summary(room):
    """The first line of the docstring of a package."""
    path = ROOT / room.replace(".", "/") / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return text.split("\n")[0]


def api_page(room, names):
    """The page of one package, for mkdocstrings to fill."""
    parts = [f"# {room}\n\n{summary(room)}\n"]
    parts += [f"::: {_identifier(f'{room}.{name}')}\n" for name in names]
    return "\n".join(parts)


def _identifier(full_name):
    """The name by which mkdocstrings finds it, not the module it hides."""
    path = ROOT / f"{full_name.replace('.', '/')}.py"
    name = full_name.split(".")[-1]
    if not path.exists():
        return full_name
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    hidden = any(getattr(node, "name", None) == name for node in nodes)
    return f"{full_name}.{name}" if hidden else full_name


def public_names():
    """Dictionary from the last part of each public name to its full names."""
    found = {}
    for room, names in rooms().items():
        for name in names:
            found.setdefault(name, []).append(f"{room}.{name}")
    return found


def named_in(text):
    """Full names of what a page names in code, in the order of the alphabet.

    A short word such as `export` counts only behind the name of its package.
    """
    code = " ".join(re.findall(r"`([^`\n]+)`", text))
    code += " ".join(block for block, _ in python_blocks(text))
    found = set()
    for name, full_names in public_names().items():
        for full in full_names:
            room = full.split(".")[-2]
            told = [rf"\b{room}\.{name}\b", rf"{room} import [^;]*?\b{name}\b"]
            if len(full_names) == 1 and re.search("[A-Z_]", name):
                told.append(rf"(?<![\w.=\"']){name}\b")
            if re.search("|".join(told), code):
                found.add(full)
    return sorted(found)


def api_links(text):
    """The last section of a page: links to all of the API that it names."""
    links = [f"- [`{name}`][{_identifier(name)}]" for name in named_in(text)]
    return "\n## API\n\n" + "\n".join(links) + "\n" if links else ""


def notebook_cells(path):
    """Pairs of the kind of each cell, "code" or "markdown", and its text."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def notebook_page(path):
    """A notebook as a page."""
    parts = [
        f"```python\n{text}\n```" if kind == "code" else text
        for kind, text in notebook_cells(path)
    ]
    parts.append(f"[This page as a notebook]({path.name})")
    return "\n\n".join(parts) + "\n"


def moved_page(text):
    """A page from the top of the repository, with links as from docs."""
    text = re.sub(r"\]\(docs/", "](", text)
    moved = {"CONTRIBUTING.md": "contributing.md", "LICENSE": "license.txt"}
    for old, new in moved.items():
        text = text.replace(f"]({old})", f"]({new})")
    return text
