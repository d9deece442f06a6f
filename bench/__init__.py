"""Benchmarks on a private Redis: `python -m bench` compares systems, `python -m bench.scaling` draws curves."""
