"""Measurements of grnet against other tools: run as ``python -m benchmarks.accuracy`` and so on."""
