"""When to save and when to stop: the clock, signals and a limit of time."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from landmark_discovery.deadline import find_deadline

# What shells and schedulers read as "failed for now, try again" (EX_TEMPFAIL of sysexits.h).
EXIT_STATUS = 75
SAVE_EVERY_S = 300.0
# HOST:PID of the process on whose behalf this one trains; the workflow sets it to Snakemake.
PRINCIPAL_VARIABLE = "LANDMARKS_PRINCIPAL"
_LOOK_EVERY_S = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Interrupted(Exception):  # noqa: N818 - no error: the work is saved
    """Say that a training has saved its state and stops before its end."""


@dataclass
class Timetable:
    """Tell when a training saves its state, and when it stops.

    Attributes:
        save_every_s: seconds between two checkpoints.
        limit_s: seconds after which it saves and stops; None: never.
        clock: gives seconds.
        principal: process id on this machine without which there is nobody to train for; None: nobody is watched.
        reason: why it is to stop; None: it isn't.
    """

    save_every_s: float = SAVE_EVERY_S
    limit_s: float | None = None
    clock: Callable[[], float] = time.monotonic
    principal: int | None = None
    reason: str | None = None
    _started: float = field(init=False)
    _saved: float = field(init=False)
    _looked: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._saved = self._looked = self.clock()

    def stop(self, reason: str) -> None:
        """Ask for a stop after the iteration that runs."""
        self.reason = self.reason or reason

    @property
    def should_stop(self) -> bool:
        """Say whether it is time to save and stop."""
        if self.limit_s is not None and self.clock() - self._started >= self.limit_s:
            self.stop("the limit of time")
        if self.principal is not None and self.clock() - self._looked >= _LOOK_EVERY_S:
            self._looked = self.clock()
            if not _is_alive(self.principal):
                self.stop("the run that it belongs to is gone")
        return self.reason is not None

    @property
    def should_save(self) -> bool:
        """Say whether it is time to save."""
        return self.clock() - self._saved >= self.save_every_s

    def saved(self) -> None:
        """Note that the state has just been saved."""
        self._saved = self.clock()


@contextmanager
def stopping_on_signals(timetable: Timetable) -> Iterator[Timetable]:
    """Give the timetable, and let SIGTERM, SIGINT and SIGUSR1 ask it for a stop; the second signal stops at once.

    Only the main thread gets signals; elsewhere this changes nothing.
    """
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        timetable.stop(signal.Signals(number).name)
        for one, handler in before.items():
            signal.signal(one, handler)

    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, ask)
    except ValueError:
        before.clear()
    try:
        yield timetable
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def timetable_of_environment() -> Timetable:
    """Make the timetable of a command.

    LANDMARKS_MAX_MINUTES and its kin limit its time (`deadline`); LANDMARKS_PRINCIPAL names whom it trains for. A run
    of Snakemake that is killed leaves its jobs running, and the same command, given again, would train beside them.

    Raises:
        UserError: a limit is no positive number.
    """
    deadline = find_deadline(os.environ)
    host, _, process = os.environ.get(PRINCIPAL_VARIABLE, "").rpartition(":")
    return Timetable(
        limit_s=None if deadline is None else deadline - time.time(),
        principal=int(process) if process.isdecimal() and host == platform.node() else None,
    )


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
