"""Runnable uses of the package; they import the public API only."""
