"""A folder that appears whole, or not at all."""

import contextlib
import shutil
import uuid
from pathlib import Path

from tflite_export.manifest import listed_files


def check_folder(out_dir, overwrite):
    """The whole path; raises where something would be lost."""
    if not isinstance(out_dir, str | Path):
        raise TypeError(
            "export expects `out_dir` to be a path. "
            f"Received: out_dir={out_dir!r}"
        )
    out_dir = Path(out_dir).resolve()
    if Path.cwd().is_relative_to(out_dir):
        # It would be taken away from under the process.
        raise ValueError(
            "export expects an `out_dir` that the current folder is not in; "
            f"name a folder below it. Received: {str(out_dir)!r}"
        )
    if not out_dir.exists():
        return out_dir
    if not out_dir.is_dir():
        raise FileExistsError(
            "export expects `out_dir` to be a folder. Received: the file "
            f"{str(out_dir)!r}"
        )
    content = sorted(path.name for path in out_dir.iterdir())
    if content and not overwrite:
        raise FileExistsError(
            "export expects `out_dir` to be new or empty; pass "
            "`overwrite=True`, or --overwrite to the command, to replace an "
            "earlier export. "
            f"Received: {str(out_dir)!r} with {content[:5]}"
        )
    others = sorted(set(content) - listed_files(out_dir))
    if others:
        raise FileExistsError(
            "export overwrites nothing but an earlier export; choose another "
            f"`out_dir`, or move its other files. Received: {str(out_dir)!r} "
            f"with {others[:5]}"
        )
    return out_dir


def write_folder(out_dir, files):
    """Writes files under another name beside a folder, and moves them.

    Args:
        out_dir: `pathlib.Path` that `check_folder` gave.
        files: Dictionary from file names to bytes.

    Raises:
        OSError: It cannot be written; nothing is left.
    """
    unique = uuid.uuid4().hex[:8]
    new = out_dir.with_name(f".{out_dir.name}.{unique}.new")
    old = out_dir.with_name(f".{out_dir.name}.{unique}.old")
    parents = [each for each in out_dir.parents if not each.exists()]
    done = False
    try:
        new.mkdir(parents=True)
        for name, data in files.items():
            (new / name).write_bytes(data)
        if out_dir.exists():
            out_dir.rename(old)
        new.rename(out_dir)
        done = True
    except OSError as error:
        raise OSError(
            "export expects `out_dir` where it can write, and room for it; "
            f"nothing was changed. Received: {str(out_dir)!r}, {error}"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if old.exists() and not out_dir.exists():
            old.rename(out_dir)
        for parent in [] if done else parents:
            # None that another has filled meanwhile.
            with contextlib.suppress(OSError):
                parent.rmdir()
    shutil.rmtree(old, ignore_errors=True)
