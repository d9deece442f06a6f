"""The command line of a process that takes no arguments: it says so, instead of starting as if there were none."""

import argparse

CONFIGURED_BY = (
    "config.json in the working directory (or the file that CALLBOARD_CONFIG names) and REDIS_URL configure it: "
    "docs/configuration.md."
)


def take_no_arguments(command: str, description: str | None) -> None:
    """Ends the program where there are arguments: after its description when --help is one, else as a usage error.

    Raises:
        SystemExit: 0 or 2.
    """
    parser = argparse.ArgumentParser(prog=command, description=description, epilog=CONFIGURED_BY)
    _, others = parser.parse_known_args()
    if others:
        parser.error(f"it takes no arguments, and was given {' '.join(others)!r}; {CONFIGURED_BY}")
