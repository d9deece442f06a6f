"""Hostile requests by the million: `passage` says what must be true of each, `mutation` makes them, `long_run` counts.

`corpus/` holds inputs that reached different code; an input is a request, or one in the short form of `expanded`.
"""
