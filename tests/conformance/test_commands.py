"""Commands that pages name: the program exists, and has the flags."""

import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMAND = re.compile(r"python3? -m ((?:examples|benchmarks)[.\w]*)([^`|\n]*)")
FLAG = re.compile(r"--(?:no)?([a-z]\w*)")


def _file(module):
    path = ROOT / module.replace(".", "/")
    if path.is_dir():
        return path / "__main__.py"
    return path.with_suffix(".py")


@functools.cache
def flags_of(module):
    """Names of the flags in a module, and in those of ours that it imports."""
    defined, seen, left = set(), set(), [module]
    while left:
        name = left.pop()
        path = _file(name)
        if name in seen or not path.exists():
            continue
        seen.add(name)
        text = path.read_text(encoding="utf-8")
        defined |= set(re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", text))
        for room, names in re.findall(
            r"^from ((?:examples|benchmarks)[.\w]*) import (\([^)]*\)|.*)$",
            text,
            re.MULTILINE,
        ):
            left += [room, *(f"{room}.{x}" for x in re.findall(r"\w+", names))]
    return defined


def commands():
    """Tuples of the place, the module and the arguments."""
    return [
        (path.relative_to(ROOT).as_posix(), module.rstrip("."), arguments)
        for path in PAGES
        for module, arguments in COMMAND.findall(path.read_text("utf-8"))
    ]


def test_commands_are_found():
    assert len(commands()) > 50
    assert {"seconds", "only", "out"} <= flags_of("benchmarks.soak")
    assert {"study", "data_dir"} <= flags_of("examples.binary_gan")


@pytest.mark.parametrize("page", sorted({place for place, *_ in commands()}))
def test_programs_and_their_flags_exist(page):
    for place, module, arguments in commands():
        if place == page:
            assert _file(module).exists(), module
            unknown = set(FLAG.findall(arguments)) - flags_of(module)
            assert not unknown, f"{module} has no {sorted(unknown)}"
