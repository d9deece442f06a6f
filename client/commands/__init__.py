"""The commands of `callboard`, one file each. Importing this package adds them all to the command line."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
