"""When to save and when to stop: the clock, signals and a limit of time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from landmark_discovery.deadline import find_deadline
from landmark_discovery.principal import GONE, PRINCIPAL_VARIABLE

# What shells and schedulers read as "failed for now, try again" (EX_TEMPFAIL of sysexits.h).
EXIT_STATUS = 75
SAVE_EVERY_S = 300.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, GONE)
# A terminal that is closed sends its own twice, and takes the principal with it.
_SENT_TOGETHER = (signal.SIGHUP, GONE)


class Interrupted(Exception):  # noqa: N818 - no error: the work is saved
    """Say that a training has saved its state and stops before its end."""


@dataclass
class Timetable:
    """Tell when a training saves its state, and when it stops.

    Attributes:
        save_every_s: seconds between two checkpoints.
        limit_s: seconds after which it saves and stops; None: never.
        clock: gives seconds.
        reason: why it is to stop; None: it isn't.
        result_is_noted_later: a run that is killed before it notes the result makes it again, from the last checkpoint;
            it removes the checkpoints itself.
    """

    save_every_s: float = SAVE_EVERY_S
    limit_s: float | None = None
    clock: Callable[[], float] = time.monotonic
    reason: str | None = None
    result_is_noted_later: bool = False
    _started: float = field(init=False)
    _saved: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._saved = self.clock()

    def stop(self, reason: str) -> None:
        """Ask for a stop after the iteration that runs."""
        self.reason = self.reason or reason

    @property
    def should_stop(self) -> bool:
        """Say whether it is time to save and stop."""
        if self.limit_s is not None and self.clock() - self._started >= self.limit_s:
            self.stop("the limit of time")
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
    """Give the timetable, and let signals ask it for a stop; a second SIGTERM, SIGINT or SIGUSR1 stops at once.

    SIGHUP and `GONE` only ask. What is ignored stays so, as SIGHUP under nohup, but SIGTERM. Only the main thread gets
    signals; elsewhere this changes nothing.
    """
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        timetable.stop(signal.Signals(number).name)
        if number not in _SENT_TOGETHER:
            for one, handler in before.items():
                signal.signal(one, handler)

    try:
        for number in _SIGNALS:
            if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, ask)
    except ValueError:
        before.clear()
    try:
        yield timetable
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def timetable_of_environment() -> Timetable:
    """Make the timetable of a command: LANDMARKS_MAX_MINUTES and its kin limit its time (`deadline`).

    What the workflow runs has a principal, and its results are noted by that.

    Raises:
        UserError: a limit is no positive number.
    """
    deadline = find_deadline(os.environ)
    return Timetable(
        limit_s=None if deadline is None else deadline - time.time(),
        result_is_noted_later=PRINCIPAL_VARIABLE in os.environ,
    )
