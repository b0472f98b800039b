"""When the time of a run ends: after so many minutes, or when its scheduler ends the job."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime

from landmark_discovery.errors import UserError

LIMIT_VARIABLE = "LANDMARKS_MAX_MINUTES"
# Seconds since 1970, as of time.time(); the workflow sets it for all its steps, so that they share the minutes.
DEADLINE_VARIABLE = "LANDMARKS_DEADLINE"
# A job that its scheduler is about to end saves before that: a tenth of what is left, and never more than this.
SPARE_S = 180.0
_ASKED_WITHIN_S = 20.0
_REMEDIES = {LIMIT_VARIABLE: "give minutes, such as 55", DEADLINE_VARIABLE: "give seconds since 1970, or unset it"}


def find_deadline(environment: Mapping[str, str], now: float | None = None) -> float | None:
    """Find the time at which a run saves and stops.

    Args:
        environment: LANDMARKS_DEADLINE counts before LANDMARKS_MAX_MINUTES, that before the end of a job of SLURM.
        now: the time now.

    Returns:
        Seconds since 1970; None where nothing limits it.

    Raises:
        UserError: a variable is no positive number.
    """
    now = time.time() if now is None else now
    if deadline := environment.get(DEADLINE_VARIABLE):
        return _positive(deadline, DEADLINE_VARIABLE)
    if minutes := environment.get(LIMIT_VARIABLE):
        return now + 60 * _positive(minutes, LIMIT_VARIABLE)
    end = _end_of_slurm_job(environment)
    return None if end is None else end - min(SPARE_S, max(end - now, 0) / 10)


def _end_of_slurm_job(environment: Mapping[str, str]) -> float | None:
    """Ask SLURM when it ends the job that this process belongs to; old versions don't say it by themselves."""
    job = environment.get("SLURM_JOB_ID")
    if job is None:
        return None
    if (end := environment.get("SLURM_JOB_END_TIME", "")).isdecimal():
        return float(end)
    command = ["squeue", "--noheader", "--jobs", job, "--format", "%e"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASKED_WITHIN_S, check=True)
        return datetime.fromisoformat(answer.stdout.strip()).timestamp()
    except (OSError, subprocess.SubprocessError, ValueError):
        # No squeue here, or a job without a limit ("N/A").
        return None


def _positive(text: str, variable: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise UserError(f"{text!r} is no positive number", where=variable, remedy=_REMEDIES[variable])
    return number
