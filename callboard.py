"""The command `callboard`, also as `python -m callboard`."""

import quiet_interrupt  # noqa: F401 - first: the others take their time

# isort: split
from client.command import main

if __name__ == "__main__":
    main()
