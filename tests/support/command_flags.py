"""The flags of programs, read off their sources."""

import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def file_of(module):
    """`pathlib.Path` of the program that `python -m` runs."""
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
        path = file_of(name)
        if name in seen or not path.exists():
            continue
        seen.add(name)
        text = path.read_text(encoding="utf-8")
        if name != module:
            # What only a program defines, those that import it do not have.
            text = text.split("\nif __name__ ==")[0]
        defined |= set(re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", text))
        for room, names in re.findall(
            r"^from ((?:examples|benchmarks)[.\w]*) import (\([^)]*\)|.*)$",
            text,
            re.MULTILINE,
        ):
            left += [room, *(f"{room}.{x}" for x in re.findall(r"\w+", names))]
    return defined
