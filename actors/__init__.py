"""The tasks, one file each. Importing this package declares them all: for workers, ingress and scheduler."""

import importlib
import pkgutil

from broker import start_failure
from errors import DeclarationError

try:
    for _module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{_module.name}")
except DeclarationError as _error:
    raise start_failure(_error) from None
