"""Hostile requests by the million: `passage` says what must be true of each, `mutation` makes them, `tasks` are
what they ask for. `python -m tests.fuzz` sends them for hours, `test_short` some thousands.

`corpus/` holds inputs that reached different code; an input is a request, or one in the short form of `expanded`.
"""
