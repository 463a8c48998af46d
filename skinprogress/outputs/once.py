"""What several outputs of a run show is drawn once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

Drawn = TypeVar("Drawn")
Of = ParamSpec("Of")
_KEPT: ContextVar[dict[Any, Any] | None] = ContextVar("_KEPT", default=None)


@contextmanager
def drawing_once() -> Iterator[None]:
    """Keep what :func:`once` functions give until the end of the block, and give it again."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(draw: Callable[Of, Drawn]) -> Callable[Of, Drawn]:
    """Make a function of hashable arguments run once within :func:`drawing_once`; elsewhere it runs every time."""

    @wraps(draw)
    def drawn(*args: Of.args, **named: Of.kwargs) -> Drawn:
        kept = _KEPT.get()
        if kept is None:
            return draw(*args, **named)
        key = (draw, args, *named.items())
        if key not in kept:
            kept[key] = draw(*args, **named)
        return cast(Drawn, kept[key])

    return drawn
