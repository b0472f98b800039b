"""How long an address is tried: waits that grow, and when to give up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from landmark_discovery.downloads.transport import TransferError


def _say(text: str) -> None:
    print(text, file=sys.stderr)


@dataclass(frozen=True)
class Patience:
    """Say how long an address is tried.

    Attributes:
        idle_tries: after so many tries in a row that bring the file no further, it is given up.
        total_tries: after so many in all as well.
        first_wait_s: the wait after the first such try; each next one is twice as long, a random share of up to half
            less, so that clients that failed together don't return together.
        longest_wait_s: waits grow up to this.
        longest_asked_s: a server that asks to wait longer than this is given up.
        generator: draws that share.
        sleep: waits.
        tell: says what failed and when the next try is.
    """

    idle_tries: int = 6
    total_tries: int = 100
    first_wait_s: float = 1
    longest_wait_s: float = 60
    longest_asked_s: float = 600
    generator: Random = field(default_factory=Random)
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = _say


def keep_trying(name: str, action: Callable[[], None], reached: Callable[[], int], patience: Patience) -> None:
    """Do something that may fail on the network until it is done, or there is no point in another try.

    Args:
        name: what it is about, for what is told.
        action: one try.
        reached: gives how far it is; a try that brings it further than any before counts as a fresh start.
        patience: when to give up.

    Raises:
        TransferError: it fails for good, or too often.
    """
    furthest, idle = reached(), 0
    for tries in count(1):
        try:
            action()
            return
        except TransferError as error:
            idle = 0 if reached() > furthest else idle + 1
            furthest = max(furthest, reached())
            wait_s = _wait_s(error, tries, idle, patience)
            patience.tell(f"{name}: {error}; next try in {wait_s:.0f} s")
        patience.sleep(wait_s)


def _wait_s(error: TransferError, tries: int, idle: int, patience: Patience) -> float:
    """Give the wait before the next try; raise the error where there is to be none."""
    if not error.passing:
        raise error
    if idle >= patience.idle_tries or tries >= patience.total_tries:
        raise TransferError(f"{error} ({tries} tries)") from error
    asked_s = error.wait_s or 0.0
    if asked_s > patience.longest_asked_s:
        raise TransferError(f"{error}, and asks to wait {asked_s:.0f} s") from error
    doubled_s = patience.first_wait_s * 2.0 ** min(max(idle - 1, 0), 30)
    return max(asked_s, min(patience.longest_wait_s, doubled_s) * patience.generator.uniform(0.5, 1))
