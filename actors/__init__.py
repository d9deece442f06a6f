"""The tasks, one file each, also in packages below. Importing this one declares them all: for workers, ingress and
scheduler."""

import importlib
import pkgutil
import sys
from pathlib import Path
from traceback import extract_tb

from broker import start_failure
from errors import DeclarationError
from logs import one_line


def _own_mistake(error: Exception) -> DeclarationError | None:
    """One line with the place, for what a module with tasks is wrong in itself; None for what is raised further down,
    of which only the traceback tells enough."""
    if isinstance(error, SyntaxError):
        file, line, what = error.filename, error.lineno, error.msg
    else:
        last = extract_tb(error.__traceback__)[-1]
        file, line, what = last.filename, last.lineno, str(error)
    if file is None or not Path(file).is_relative_to(Path(__file__).parent):
        return None
    missing = f"; what it needs is to be installed into {sys.prefix}" if type(error) is ModuleNotFoundError else ""
    place = Path(file).relative_to(Path(__file__).parents[1])
    return DeclarationError(one_line(f"{place}, line {line}: {type(error).__name__}: {what}{missing}"))


try:
    for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(_module.name)
except DeclarationError as _error:
    raise start_failure(_error) from None
except Exception as _error:
    if (_mistake := _own_mistake(_error)) is None:
        raise
    raise start_failure(_mistake) from None
