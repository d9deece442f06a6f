"""Ctrl-C ends a program that is still loading its modules at once and without a word, as SIGTERM does: by the signal
itself. Imported before all others where a program begins; later it handles the signal itself, see `StopRequest`.
"""

import signal

# Python's own handler would print a traceback. Where the shell has Ctrl-C ignored there is none, and it stays so.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
