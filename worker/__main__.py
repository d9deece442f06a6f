"""`python -m worker`: keeps the worker processes of the configuration running, until SIGTERM or SIGINT."""

import asyncio
import sys

from errors import SettingsError
from logs import configure_logging
from settings import load_settings
from worker.supervisor import Supervisor


def main() -> int:
    """Returns the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(f"callboard: {error}") from None
    configure_logging("supervisor", settings)
    return asyncio.run(Supervisor(settings).run())


if __name__ == "__main__":
    sys.exit(main())
