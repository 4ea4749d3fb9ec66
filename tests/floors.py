"""Prints the oldest versions that setup.py promises, as constraints for pip.

`tensorflow>=2.18` becomes `tensorflow==2.18.*`.
"""

import pathlib
import re

SETUP = pathlib.Path(__file__).resolve().parents[1] / "setup.py"


def floors(text):
    """The constraints of the requirements with a floor in a setup.py."""
    found = re.findall(r'"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)"', text)
    return sorted({f"{name}=={version}.*" for name, version in found})


if __name__ == "__main__":
    print("\n".join(floors(SETUP.read_text(encoding="utf-8"))))
