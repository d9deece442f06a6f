"""What Dramatiq's Redis broker is extended by, a subject a file.

In: `messages` (a message on its way), `redis_broker` (the broker that joins everything), `feed` and `consumer` (how a
worker gets its messages), `recovery` (those of dead workers). Out: `outcomes` (how a message ended), `answers` (where
that is sent), `completion` (sending it with the acknowledgement). Beneath: the `connection` to the `master`, which
`discovery` finds, `line` and the Lua `scripts`.
Middleware and the like of our own: `signals`, `encoder`, `work_queue`, `collector`, `termination`, `shutdown`,
`tracing`.
"""
