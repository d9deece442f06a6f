"""Faults injected into a whole Callboard under load, and every request accounted for: `make chaos`, `make soak`.

Beneath: `ledger` (what became of each request), `load` (publishes and listens), `resp`, `fault_point` and `proxy` (a
Redis that fails at a given command), `site` (the processes and their Redis), `fault_tasks` and `workloads` (what they
are asked to do). Above: `disturbance` and `sweep` (how faults follow one another), `rows/`, a file for each part
that they hit, `catalogue` of them all, and `report`, which makes a table of them.
"""
