"""`python -m worker`: keeps a number of worker processes running, each of them Dramatiq's worker on Callboard's broker.

The `supervisor` starts them, replaces those that die and stops them. To it, each is a `child`; `pauses` says how soon a
dead one is replaced. `process` is what runs in each.
"""
