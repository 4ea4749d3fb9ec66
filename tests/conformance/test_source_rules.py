"""Rules of the house that a look at the source can check.

Each failure says what to do instead.
"""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("keras_bp", "tflite_export")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
ALL = sorted(
    path
    for room in (*ROOMS, "examples", "benchmarks", "tests")
    for path in (ROOT / room).rglob("*.py")
)
MAX_FILE, MAX_BODY = 300, 40

each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)

# Pattern, and what to do instead. Split, so that this file passes.
FORBIDDEN = {
    "keras" + ".src": "it is private; use what keras exports",
    "tensorflow" + ".python": "it is private; use tf",
    "tf" + ".keras": "import keras: Keras 3 is its own package",
    "TF_USE_LEGACY" + "_KERAS": "Keras 2 is not supported",
    "tfp" + ".layers": "it needs Keras 2",
    "_inbound" + "_nodes": "use keras.models.clone_model(call_function=...)",
    "random" + ".binomial": "it does not compile under XLA; use uniform < p",
    "np" + ".random.uniform": "it is frozen when traced; use keras_bp._random",
}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def functions(tree):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def violations(path, text):
    """The rules that one source file breaks, as sentences."""
    found = []
    for word, instead in FORBIDDEN.items():
        if word in text:
            found.append(f"names {word}: {instead}")
    if text.count("\n") > MAX_FILE:
        found.append(f"is longer than {MAX_FILE} lines: look for the split")
    tree = ast.parse(text)
    for node in ast.walk(tree):
        where = getattr(node, "lineno", 0)
        if isinstance(node, ast.Assert):
            found.append(f"line {where} asserts: raise ValueError instead")
        called = isinstance(node, ast.Call) and ast.unparse(node.func)
        if called == "print" and "callbacks" in path.parts:
            found.append(f"line {where} prints: write to `logs` instead")
    for node in functions(tree):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if body and body[-1].end_lineno - body[0].lineno >= MAX_BODY:
            found.append(
                f"{node.name} is longer than {MAX_BODY} lines: split it"
            )
    if path.name == "__init__.py":
        kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
        if not all(isinstance(node, kinds) for node in tree.body):
            found.append("holds code: only imports and __all__ belong there")
    if re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text):
        found.append("holds a note of unfinished work: finish it")
    return found


@each_source
def test_sources_keep_the_rules(path):
    found = violations(path, path.read_text())
    assert not found, f"{name_of(path)} " + "; ".join(found)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.py", "import keras" + ".src\n", "what keras exports"),
        ("a.py", "assert x\n", "raise ValueError"),
        ("callbacks/a.py", "print(1)\n", "write to `logs`"),
        ("a.py", "x = 1\n" * 301, "longer than 300"),
        ("a.py", "def f():\n" + "    x = 1\n" * 41, "f is longer than 40"),
        ("__init__.py", "def f(): pass\n", "only imports"),
        ("a.py", "# TO" + "DO\n", "unfinished"),
    ],
)
def test_the_rules_see_what_breaks_them(name, text, words):
    assert any(words in found for found in violations(pathlib.Path(name), text))
    assert violations(pathlib.Path("a.py"), "def f():\n    return 1\n") == []


@each_source
def test_every_public_module_has_a_test_of_its_name(path):
    if path.name.startswith("_"):
        return
    mirror = ROOT / "tests" / path.relative_to(ROOT)
    mirror = mirror.with_name(f"test_{path.name}")
    assert mirror.exists(), f"Write {name_of(mirror)} for {name_of(path)}."


@each_source
def test_a_public_module_holds_the_name_of_its_file(path):
    if path.name.startswith("_"):
        return
    # A module of these is named after what it is about, such as a tool.
    if path.parts[-2] in ("tflite_export", "tools"):
        return
    text = path.read_text()
    words = path.stem.split("_")
    cased = "".join(words)
    names = [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert any(name.replace("_", "").lower() == cased for name in names), (
        f"{name_of(path)} defines {names}: the path of a file is its public "
        "name"
    )


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_file_names_a_folder_of_some_machine(path):
    # Split, so that this file passes.
    folders = "|".join(("ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers"))
    found = re.findall(rf"(?<![\w.])/(?:{folders})/\S*", path.read_text())
    if name_of(path) == "tests/benchmarks/test_results.py":
        return  # It tests the check that refuses such names.
    assert not found, f"{name_of(path)} names {found}: use a relative path"


HEAVY = ("tensorflow_probability", "matplotlib", "sklearn", "scipy", "jinja2")
IMPORT = """
import sys, time
first = time.process_time()
import keras, tensorflow
before = set(sys.modules)
begin = time.process_time()
import keras_bp
print((time.process_time() - begin) / (begin - first))
print(*(set(sys.modules) - before), sep="\\n")
"""


def test_importing_the_package_is_light():
    shown = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", IMPORT],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        ratio, *modules = done.stdout.split("\n")
        shown.append(float(ratio))
        if shown[-1] < 0.15:
            break
    heavy = [name for name in modules if name.split(".")[0] in HEAVY]
    assert not heavy, f"import keras_bp imports {heavy}: import in functions"
    assert min(shown) < 0.15, (
        f"import keras_bp takes {shown} of what keras and tensorflow take"
    )
