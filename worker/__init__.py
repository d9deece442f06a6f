"""`python -m worker`: keeps a number of worker processes running, each of them Dramatiq's worker on Callboard's broker.

`supervisor` starts them, replaces those that die and stops them; `child` is one of them as it sees it, `pauses` says
how soon a dead one is replaced. `process` is what runs in each.
"""
