"""SIGTERM ends the child processes of a process that handles SIGTERM itself."""

import os
import signal
import threading
from functools import cache

_local = threading.local()


@cache
def let_children_end() -> None:
    """From now on SIGTERM ends what this process forks, such as the processes of a task's `multiprocessing.Pool`.

    A child inherits the handler, which only notes the request there: `Process.terminate()` would have no effect, and
    whoever joins the child would wait without end. The signal is blocked during a fork: one that comes before the child
    has the default back would be lost in the same way.
    """
    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=_take_default)


def _hold_back() -> None:
    _local.mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _let_through() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _local.mask)


def _take_default() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_through()
