"""The machine and the versions of a run, and its result with them."""

import importlib.metadata
import os
import platform

from benchmarks import results

_PACKAGES = (
    "tensorflow",
    "jax",
    "torch",
    "keras",
    "numpy",
    "ai-edge-litert",
    "libauc",
    "matfree",
)


def machine():
    """Describes this machine, such as `"2 cores, x86_64, 24 GB"`."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    parts = [f"{cores} core{'s' if cores != 1 else ''}", platform.machine()]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{memory / 2**30:.0f} GB")
    return ", ".join(parts)


def accelerator():
    """The name of the accelerator that Keras computes on, or None."""
    from benchmarks import gpu_backends

    name, accelerated = gpu_backends.backend().device()
    return name if accelerated else None


def versions():
    """Returns the versions of Python and of the installed packages."""
    # By the package itself, which need not be installed.
    import keras_bp

    found = {
        "python": platform.python_version(),
        "keras_bp": keras_bp.__version__,
    }
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def result(name, command, seeds, seconds, rows, device=None):
    """Builds and checks the `results.Result` of a run on this machine.

    Args:
        name: String, title of the run.
        command: String, what repeats it.
        seeds: List of integers.
        seconds: Float, how long it took.
        rows: List of `results.Row`.
        device: String, what ran it beside the cores; None for the accelerator
            of Keras, if there is one.

    Returns:
        `results.Result`.

    Raises:
        ValueError: It does not pass `results.check`.
    """
    device = device or accelerator()
    found = results.Result(
        name=name,
        command=command,
        versions=versions(),
        machine=f"{machine()}, {device}" if device else machine(),
        seeds=list(seeds),
        seconds=round(seconds, 1),
        rows=list(rows),
    )
    results.check(found)
    return found
