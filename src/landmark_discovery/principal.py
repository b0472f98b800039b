"""Ending with the process on whose behalf this one works, however that one ends.

A run of Snakemake that is killed leaves its jobs running, and the same command, given again, would work beside them.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# HOST:PID; the workflow sets it to Snakemake.
PRINCIPAL_VARIABLE = "LANDMARKS_PRINCIPAL"
# What a process gets when its principal is gone: nobody else sends it, so that it is never anybody's second signal.
GONE = signal.SIGUSR2
_LOOK_EVERY_S = 1.0
# What saves its state first needs some time.
_PATIENCE_S = 60.0


def find_principal(environment: Mapping[str, str]) -> int | None:
    """Find the process to end with; None: there is none, or it is on another machine."""
    host, _, process = environment.get(PRINCIPAL_VARIABLE, "").rpartition(":")
    return int(process) if process.isdecimal() and host == platform.node() else None


def end_with(process: int, look_every_s: float = _LOOK_EVERY_S, patience_s: float = _PATIENCE_S) -> None:
    """Watch a process from a thread, and send this one `GONE` when it is gone, then SIGTERM, then SIGKILL.

    Args:
        process: id, on this machine.
        look_every_s: seconds between two looks.
        patience_s: seconds that each signal has to end it.
    """

    def watch() -> None:
        while is_alive(process):
            time.sleep(look_every_s)
        # Who read what this process says may be gone too.
        with suppress(OSError, ValueError):
            print("the run that it belongs to is gone", file=sys.stderr, flush=True)
        for number in (GONE, signal.SIGTERM, signal.SIGKILL):
            os.kill(os.getpid(), number)
            time.sleep(patience_s)

    threading.Thread(target=watch, name="principal", daemon=True).start()


def is_alive(process: int) -> bool:
    """Say whether a process runs; one that has ended, and that nobody has asked about yet, doesn't."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    try:
        # The name before the state may hold anything, parentheses too.
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False
    return state[:1] == [b"Z"]
