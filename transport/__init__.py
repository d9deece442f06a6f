"""What Callboard adds to Dramatiq's Redis broker, a subject a file.

- The way in: `arrivals` (requests) become `messages`; `redis_broker` is the broker that joins everything.
- To a worker: `feed`, `consumer`, `appetite` and `in_hand` (how it gets its messages, and how many), `permit` (which
  processes look for some); `pulse` and `crew` (who is alive), `recovery`, `maintenance`, `suspects` and `quiet` (what
  becomes of the messages of dead workers).
- While a task runs: `bulletin`, `progress` and `herald` (its events), `cancellation`, `call_offs` and `stage` (how it
  is interrupted), `time_limits`, `tracing`.
- The way out: `outcomes` (how a message ended), `answers` (where that is sent), `completion` (sending it with the
  acknowledgement), `dead_letters`.
- For those who run it: `overview`, `presence`, `queue_names`, `watchdog`.
- Beneath: the `connection` to the `master`, which `discovery` finds; `line`, `reply_parser`, `channel_listener`,
  `silence`, and the Lua `scripts`.
- How a worker process works: `signals`, `encoder`, `rounds`, `work_queue`, `wakeups`, `collector`, `termination`,
  `shutdown`, `lost_threads`, `forks`.
"""
