"""The catalogue of systems that are measured: what each is called and which processes it consists of."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent

#: As many as the cores of the machine that the reference figures come from, the same for every system that has workers.
WORKER_PROCESSES = 2


@dataclass(frozen=True)
class System:
    """Something that answers requests on `tasks`: an ingress that hears them, and workers if it does not perform them.

    Each is a command line, run in `folder` with REDIS_URL set, and with a `config.json` in which `sections` stand in
    place of the folder's.
    """

    name: str
    ingress: tuple[str, ...]
    workers: tuple[tuple[str, ...], ...] = ()
    folder: Path = REPOSITORY
    sections: Mapping[str, Any] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The command lines of all its parts, the workers first."""
        return (*self.workers, self.ingress)


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs a module as a program."""
    return (sys.executable, "-m", name, *arguments)


def callboard(processes: int = WORKER_PROCESSES, folder: Path = REPOSITORY) -> System:
    """Callboard as it is deployed, with a number of worker processes, from a checkout."""
    return System(
        name="callboard",
        ingress=module("ingress"),
        workers=(module("worker"),),
        folder=folder,
        sections={"worker": {"processes": processes}},
    )


BARE_ECHO = System(name="bare-echo", ingress=module("bench.peers.bare_echo"))

_BARE_CHAIN = "bench.peers.bare_chain"
BARE_CHAIN = System(
    name="bare-chain",
    ingress=module(_BARE_CHAIN),
    workers=(module(_BARE_CHAIN, "answer"),) * WORKER_PROCESSES,
)

DRAMATIQ_PORT = System(
    name="dramatiq-port",
    ingress=module("bench.peers.dramatiq_port"),
    workers=(module("dramatiq", "bench.peers.dramatiq_port", "--processes", str(WORKER_PROCESSES)),),
)

_CELERY_WORKER = ("-A", "bench.peers.celery_daemon", "worker", "--loglevel", "WARNING")
CELERY_DAEMON = System(
    name="celery-daemon",
    ingress=module("bench.peers.celery_daemon"),
    workers=(module("celery", *_CELERY_WORKER, "--pool", "prefork", "--concurrency", str(WORKER_PROCESSES)),),
)

TASKIQ_DAEMON = System(
    name="taskiq-daemon",
    ingress=module("bench.peers.taskiq_daemon"),
    workers=(module("taskiq", "worker", "bench.peers.taskiq_daemon:broker", "--workers", str(WORKER_PROCESSES)),),
)

FASTSTREAM_ECHO = System(name="faststream-echo", ingress=module("bench.peers.faststream_echo"))

#: arq wants redis-py before 6, so it is in an environment of its own, which `make bench` makes.
_ARQ_PYTHON = str(Path(sys.prefix, "arq", "bin", "python"))
ARQ_DAEMON = System(
    name="arq-daemon",
    ingress=(_ARQ_PYTHON, "-m", "bench.peers.arq_daemon"),
    workers=((_ARQ_PYTHON, "-m", "arq", "bench.peers.arq_daemon.WorkerSettings"),) * WORKER_PROCESSES,
)

SYSTEMS = {
    system.name: system
    for system in (
        callboard(),
        BARE_ECHO,
        BARE_CHAIN,
        FASTSTREAM_ECHO,
        DRAMATIQ_PORT,
        TASKIQ_DAEMON,
        CELERY_DAEMON,
        ARQ_DAEMON,
    )
}
