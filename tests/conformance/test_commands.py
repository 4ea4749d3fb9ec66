"""Commands that pages name: the program exists, and has the flags."""

import pathlib
import re

import pytest
from command_flags import file_of, flags_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMAND = re.compile(r"python3? -m ((?:examples|benchmarks)[.\w]*)([^`|\n]*)")
FLAG = re.compile(r"--([a-z]\w*)")


def commands():
    """Tuples of the place, the module and the arguments."""
    found = []
    for path in PAGES:
        # A command may go on in the next line.
        text = path.read_text(encoding="utf-8").replace("\\\n", "")
        place = path.relative_to(ROOT).as_posix()
        for module, arguments in COMMAND.findall(text):
            found.append((place, module.rstrip("."), arguments))
    return found


def test_commands_are_found():
    assert len(commands()) > 50
    assert {"seconds", "only", "out"} <= flags_of("benchmarks.soak")
    assert {"study", "data_dir"} <= flags_of("examples.binary_gan")


@pytest.mark.parametrize("page", sorted({place for place, *_ in commands()}))
def test_programs_and_their_flags_exist(page):
    for place, module, arguments in commands():
        if place == page:
            assert file_of(module).exists(), module
            known = flags_of(module)
            # A boolean one is also set by its opposite.
            known = known | {f"no{flag}" for flag in known}
            unknown = set(FLAG.findall(arguments)) - known
            assert not unknown, f"{module} has no {sorted(unknown)}"
