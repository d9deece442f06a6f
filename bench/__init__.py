"""Benchmarks, each on a private Redis and run with `python -m`.

`bench` compares systems; `bench.scaling` draws curves of the cost; `bench.delays` tells how late delayed requests are,
`bench.silence` what the first request after a silence takes, `bench.shares` what a request costs each process.

Beneath: `systems` (what is measured, with the `peers`), `many_tasks` (a Callboard with more of them), `processes` and
`probe` (start and watch them), `wire`, `driver` and `load` (publish, account, shape the load), `measure`, `backlog` and
`curves` (the figures), `report`, `chart`, `scaling_chart` and `provenance` (what is made of them).
"""
