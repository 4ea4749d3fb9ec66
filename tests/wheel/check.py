"""Uses an installed wheel as the README does, from another folder.

Takes the folder of the wheel and the README; run it by `python -I`, so that
nothing but what is installed can be imported.
"""

import pathlib
import re
import sys
import zipfile

import keras_bp
import tflite_export

# Of no use in a package.
_LEFT_OUT = (".pyc",)


def missing(wheel, root):
    """Files of the packages that are not in the wheel, sorted."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    here = {
        path.relative_to(root).as_posix()
        for package in ("keras_bp", "tflite_export")
        for path in (root / package).rglob("*")
        if path.is_file() and path.suffix not in _LEFT_OUT
    }
    return sorted(here - packed)


def main(folder, readme):
    (wheel,) = pathlib.Path(folder).resolve().glob("*.whl")
    readme = pathlib.Path(readme).resolve()
    for package in (keras_bp, tflite_export):
        place = pathlib.Path(package.__file__).parents[1]
        if place.name != "site-packages" or readme.parent in (
            pathlib.Path(name or ".").resolve() for name in sys.path
        ):
            sys.exit(f"{package.__name__} is not installed: it is in {place}")
    lacks = missing(wheel, readme.parent)
    if lacks:
        sys.exit(f"{wheel.name} lacks {lacks}: name them in setup.py")
    text = readme.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for number, code in enumerate(blocks):
        print(f"Block {number} of the README:", flush=True)
        exec(compile(code, f"block {number} of the README", "exec"), {})
    print(f"{wheel.name} ran {len(blocks)} blocks of the README.")


if __name__ == "__main__":
    main(*sys.argv[1:])
