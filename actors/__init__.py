"""The tasks, one file each, also in packages below. Importing this one declares them all: for workers, ingress and
scheduler."""

import importlib
import pkgutil

from broker import start_failure
from errors import DeclarationError

try:
    for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(_module.name)
except DeclarationError as _error:
    raise start_failure(_error) from None
