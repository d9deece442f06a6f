"""All rows of the table by name, in its order."""

from collections.abc import Callable

from tests.faults.extent import Extent
from tests.faults.row import Row
from tests.faults.rows import commands, floods, ingresses, network, redis_server, schedulers, stops, workers

ROWS: dict[str, Callable[[Extent], Row]] = {
    "worker-killed": workers.killed,
    "worker-machine-killed": workers.machine_killed,
    "worker-killed-idle": workers.killed_on_an_idle_system,
    "worker-killed-delayed": workers.killed_with_delayed_messages,
    "poison": workers.poison,
    "ingress-killed": ingresses.killed,
    "ingress-killed-stream": ingresses.killed_on_the_stream,
    "requests-repeated": ingresses.repeated,
    "rolling-restart": stops.rolling_restart,
    "stop-in-long-tasks": stops.longer_than_the_grace_period,
    "three-schedulers": schedulers.three_at_once,
    "redis-restarted": redis_server.restarted,
    "redis-stopped": redis_server.stopped,
    "scripts-flushed": redis_server.scripts_flushed,
    "connections-killed": redis_server.connections_killed,
    "subscriptions-killed": redis_server.subscriptions_killed,
    "read-only": redis_server.read_only,
    "no-replicas": redis_server.without_replicas,
    "out-of-memory": redis_server.out_of_memory,
    "undecodable-entry": redis_server.undecodable_entry,
    "connections-cut": network.cut,
    "packets-lost": network.frozen,
    "flood": floods.of_requests,
    "flood-large": floods.of_large_requests,
    "one-user-floods": floods.by_one_user,
    "one-task-type-floods": floods.by_one_task_type,
    "worker-cut-everywhere": commands.worker_cut,
    "worker-killed-everywhere": commands.worker_killed,
    "redis-stopped-everywhere-worker": commands.worker_stopped,
    "ingress-cut-everywhere": commands.ingress_cut,
    "ingress-cut-everywhere-stream": commands.ingress_cut_stream,
    "ingress-killed-everywhere-stream": commands.ingress_killed_stream,
    "redis-stopped-everywhere-ingress": commands.ingress_stopped,
}
