"""Versions of the packages that write and run the models."""

import importlib.metadata


def versions():
    """Dictionary with the versions of the packages behind this module."""
    return {
        name: importlib.metadata.version(name)
        for name in ("ai-edge-litert", "flatbuffers")
    }
