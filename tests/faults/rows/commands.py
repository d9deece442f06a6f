"""A fault at every Redis command of a process."""

from tests.faults.extent import Extent
from tests.faults.load import Load, Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.sweep import Act, Sweep
from tests.faults.workloads import mixed


def at_every_command(process: str, act: Act, extent: Extent, way: Way = Way.CHANNEL, standby: str | None = None) -> Row:
    """The fault while the process works and while it starts, with every moment of each command."""
    other = "ingress" if process == "worker" else "worker"
    with Site() as site:
        site.start(other)
        site.start(process, proxied=True)
        if standby:
            site.start(standby)
        with Load(site.url, mixed, ways=[way]) as load:
            sweep = Sweep(site, load, process, act, extent, standby)
            sweep.while_working()
            sweep.while_starting()
            row = sweep.row(extent.patience_s)
    row.fault += " (stream)" if way is Way.STREAM else ""
    return row


def worker_cut(extent: Extent) -> Row:
    """The worker's connection is cut."""
    return at_every_command("worker", Act.CUT, extent)


def worker_killed(extent: Extent) -> Row:
    """The worker is killed."""
    return at_every_command("worker", Act.KILL, extent)


def worker_stopped(extent: Extent) -> Row:
    """Redis stops for a while at a command of the worker."""
    return at_every_command("worker", Act.STOP, extent)


def ingress_cut(extent: Extent) -> Row:
    """The connection of the ingress is cut."""
    return at_every_command("ingress", Act.CUT, extent)


def ingress_cut_stream(extent: Extent) -> Row:
    """The same on the durable path."""
    return at_every_command("ingress", Act.CUT, extent, Way.STREAM)


def ingress_killed(extent: Extent) -> Row:
    """The ingress is killed, and a standby takes over."""
    return at_every_command("ingress", Act.KILL, extent, standby="ingress-2")


def ingress_killed_stream(extent: Extent) -> Row:
    """The ingress is killed on the durable path, without a standby."""
    return at_every_command("ingress", Act.KILL, extent, Way.STREAM)


def ingress_stopped(extent: Extent) -> Row:
    """Redis stops for a while at a command of the ingress."""
    return at_every_command("ingress", Act.STOP, extent)
