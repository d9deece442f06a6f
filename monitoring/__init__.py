"""What a process tells of itself to those who run it: whether it is healthy, and what it has done.

`health` judges, `metrics` counts, `server` answers over HTTP; `local` is where on this machine each process can be
asked. `process` is all that for an ingress or a scheduler, `worker`, `worker_metrics` and `supervisor` for the two of
`python -m worker`.
"""
