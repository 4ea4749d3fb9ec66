"""Draws the pictures that notebooks begin with, by running them.

Run it as `python -m docs.site.pictures`, with names of notebooks or for all of
them; it takes two minutes. Pictures go to docs/images as `notebook_*.png`.
"""

import contextlib
import os
import pathlib
import sys
import tempfile

from docs.site import content

DOCS = pathlib.Path(__file__).resolve().parents[1]
NOTEBOOKS = DOCS / "notebooks"
IMAGES = DOCS / "images"


def draw(path, folder):
    """Runs a notebook in an empty folder, and saves the figure it shows.

    Args:
        path: `pathlib.Path` of a notebook.
        folder: `pathlib.Path` for the picture.

    Returns:
        `pathlib.Path` of the picture.
    """
    import matplotlib.pyplot as plt

    target = folder.resolve() / f"notebook_{path.stem}.png"
    codes = [c for kind, c in content.notebook_cells(path) if kind == "code"]
    backend, show = plt.get_backend(), plt.show
    plt.switch_backend("agg")
    drawn = []

    def save():
        plt.savefig(target, dpi=80, bbox_inches="tight")
        drawn.append(target)

    plt.show = save
    try:
        with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
            space = {"__name__": path.stem}
            for number, code in enumerate(codes):
                exec(compile(code, f"{path.name}, {number}", "exec"), space)
    finally:
        plt.close("all")
        plt.show = show
        plt.switch_backend(backend)
    if len(drawn) != 1:
        raise RuntimeError(f"{path.name} shows {len(drawn)} figures, not one.")
    return target


def main(names):
    """Draws the pictures of notebooks, of all without names."""
    paths = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    unknown = sorted(set(names) - set(paths))
    if unknown:
        sys.exit(f"Expected names of {sorted(paths)}. Received: {unknown}")
    # The embedded data, as for a reader without any.
    os.environ.pop("KERAS_BP_DATA", None)
    for name in names or paths:
        print(draw(paths[name], IMAGES))


if __name__ == "__main__":
    main(sys.argv[1:])
