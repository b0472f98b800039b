"""Where the time of a running program goes: timers around functions, put there from outside."""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Watched:
    """Name a function whose time is taken.

    Attributes:
        module: that looks the function up when it calls it.
        name: of the function there; `Class.method` for a method.
        part: what its time counts as.
    """

    module: str
    name: str
    part: str


class Stopwatch:
    """Add up the time of each part; time inside a part that is inside another counts for the inner one alone.

    Only the thread that made it is timed: while others work for it, what it waits in counts.

    Attributes:
        seconds: of each part so far.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._thread = threading.get_ident()
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of a block as a part."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def watch(self, functions: Iterable[Watched]) -> None:
        """Put timers around functions, for as long as the process runs."""
        for function in functions:
            *owners, name = function.name.split(".")
            owner = functools.reduce(getattr, owners, importlib.import_module(function.module))
            setattr(owner, name, self._timed(getattr(owner, name), function.part))

    def _timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
            with self.part(part) if threading.get_ident() == self._thread else nullcontext():
                return function(*arguments, **named)

        return timed

    def _charge(self) -> None:
        """Give the time since the last change to the innermost part that is open."""
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now
