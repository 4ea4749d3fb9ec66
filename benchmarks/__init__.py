"""Benchmarks: one script per claim, results under docs/results."""
