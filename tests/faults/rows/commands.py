"""A fault at every Redis command of a process."""

from tests.faults.extent import Extent
from tests.faults.load import Load, Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.sweep import Act, Sweep
from tests.faults.workloads import mixed

#: A worker's consumers come back from a lost connection so many ms after it, and not after Dramatiq's 3 s: there are
#: many points.
QUICK_RETURN = {"dramatiq_restart_delay": "100"}


def at_every_command(process: str, act: Act, extent: Extent, way: Way = Way.CHANNEL) -> Row:
    """The fault while the process works and while it starts, with every moment of each command."""
    other = "ingress" if process == "worker" else "worker"
    with Site(variables=QUICK_RETURN) as site:
        site.start(other)
        site.start(process, proxied=True)
        with Load(site.url, mixed, ways=[way]) as load:
            sweep = Sweep(site, load, process, act, extent)
            sweep.while_working()
            sweep.while_starting()
            return sweep.row(extent.patience_s)


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


def ingress_killed_stream(extent: Extent) -> Row:
    """The ingress is killed, on the durable path: on pub/sub, what it has in hand dies with it."""
    return at_every_command("ingress", Act.KILL, extent, Way.STREAM)


def ingress_stopped(extent: Extent) -> Row:
    """Redis stops for a while at a command of the ingress."""
    return at_every_command("ingress", Act.STOP, extent)
