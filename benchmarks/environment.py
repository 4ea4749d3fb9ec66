"""The machine and the versions of a run."""

import importlib.metadata
import os
import platform

_PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def machine():
    """Describes this machine, such as `"2 cores, x86_64, 24 GB"`."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    parts = [f"{cores} core{'s' if cores != 1 else ''}", platform.machine()]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{memory / 2**30:.0f} GB")
    return ", ".join(parts)


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
