"""Dramatiq's signals, sent only to the middleware that has a hook for them."""

from collections.abc import Callable
from typing import Any

from dramatiq import Broker
from dramatiq.middleware import Middleware, MiddlewareError

Hook = Callable[..., None]


class SelectiveSignals(Broker):
    """A broker that keeps, for each signal, the hooks that its middleware has overridden.

    Dramatiq calls a hook of every middleware six times a message, and nearly all of them are empty. What a hook may
    raise, and what becomes of that, is as in Dramatiq. A signal that Dramatiq does not know goes to those with a hook.
    """

    def __init__(self, **parameters: Any) -> None:
        self._hooks: dict[str, list[Hook]] = {}
        super().__init__(**parameters)

    def add_middleware(self, middleware: Middleware, **position: Any) -> None:
        """Adds middleware, `before` or `after` another one's class."""
        super().add_middleware(middleware, **position)
        self._hooks.clear()

    def emit_before(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """Calls the hooks from the first middleware to the last."""
        name = f"before_{signal}"
        for hook in self._hooks_of(name):
            try:
                hook(self, *args, **kwargs)
            except MiddlewareError:
                raise
            except Exception:
                self.logger.critical("Unexpected failure in %s of %r.", name, hook, exc_info=True)

    def emit_after(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """Calls the hooks from the last middleware to the first."""
        name = f"after_{signal}"
        for hook in reversed(self._hooks_of(name)):
            try:
                hook(self, *args, **kwargs)
            except Exception:
                self.logger.critical("Unexpected failure in %s of %r.", name, hook, exc_info=True)

    def _hooks_of(self, name: str) -> list[Hook]:
        hooks = self._hooks.get(name)
        if hooks is None:
            empty = getattr(Middleware, name, None)
            overridden = [member for member in self.middleware if getattr(type(member), name, None) is not empty]
            hooks = self._hooks[name] = [getattr(member, name) for member in overridden]
        return hooks
