"""`python -m worker`: keeps the worker processes of the configuration running, until SIGTERM or SIGINT."""

import quiet_interrupt  # noqa: F401 - first: the others take their time

# isort: split
import asyncio
import sys

from errors import CallboardError, SettingsError
from logs import configure_logging
from monitoring.supervisor import supervisor_port
from no_arguments import take_no_arguments
from settings import Settings, load_settings
from worker.supervisor import Supervisor


def main() -> int:
    """Returns the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(f"callboard: {error}") from None
    configure_logging("supervisor", settings)
    try:
        return asyncio.run(_supervise(settings))
    except CallboardError as error:
        raise SystemExit(f"callboard: {error}") from None


async def _supervise(settings: Settings) -> int:
    supervisor = Supervisor(settings)
    with supervisor_port(settings, lambda: supervisor.pids, lambda: supervisor.is_starting) as environment:
        return await supervisor.run(environment)


if __name__ == "__main__":
    take_no_arguments("python -m worker", __doc__)
    sys.exit(main())
