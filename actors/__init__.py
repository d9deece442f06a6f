"""The tasks, one file each. Importing this package declares them all: for workers, ingress and scheduler."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
