"""What Dramatiq's Redis broker is extended by, a subject a file.

In: `arrivals` (requests on their way in) and `messages` (a message on its way), `redis_broker` (the broker that joins
everything), `feed`, `consumer`, `appetite` and `in_hand` (how a worker gets its messages, and how many), `pulse`,
`recovery` and `maintenance` (those of dead workers). Out: `outcomes` (how a message ended), `answers` (where that is
sent), `completion` (sending it with the acknowledgement), `dead_letters`.
While a task runs: `bulletin`, `progress` and `herald` (what is told of it), `cancellation`, `call_offs` and `stage`
(how it is ended), `time_limits`, `tracing`.
For those who run it: `overview`, `presence`, `queue_names`, `watchdog`.
Beneath: the `connection` to the `master`, which `discovery` finds, `line`, `reply_parser`, `channel_listener`,
`silence` and the Lua `scripts`.
Middleware and the like of our own: `signals`, `encoder`, `rounds`, `work_queue`, `wakeups`, `collector`,
`termination`, `shutdown`, `lost_threads`, `forks`.
"""
