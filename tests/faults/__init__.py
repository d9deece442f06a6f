"""Faults injected into a whole Callboard under load, and every request accounted for: `make chaos`, `make soak`.

Beneath: `ledger` (what became of each request), `load` (publishes and listens), `resp` and `proxy` (a Redis that fails at
a given command), `site` (the processes and their Redis), `fault_tasks` (what they are asked to do). Above: the rows, a
file for each kind of fault, and `report`, which makes a table of them.
"""
