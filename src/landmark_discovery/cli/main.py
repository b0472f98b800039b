"""The command `landmarks`: one sub-command a step of the pipeline."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

import typer

from landmark_discovery.cli import (
    bootstrap,
    bootstrap_training,
    data,
    downloads,
    evaluation,
    export,
    inference,
    keypoint_evaluation,
    model,
    photographs,
    pictures,
    prediction,
    project,
    provenance,
    reports,
    training,
    verdict,
)
from landmark_discovery.deadline import DEADLINE_VARIABLE, find_deadline
from landmark_discovery.errors import UserError
from landmark_discovery.principal import GONE, end_with, find_principal
from landmark_discovery.training.interruption import EXIT_STATUS, Interrupted

app = typer.Typer(
    name="landmarks",
    help="Discover object landmarks in images without any annotation, one step of the pipeline a command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
GROUPS = (
    downloads,
    data,
    bootstrap,
    training,
    prediction,
    inference,
    model,
    export,
    evaluation,
    pictures,
    reports,
    verdict,
    provenance,
    project,
    photographs,
    bootstrap_training,
    keypoint_evaluation,
)
for group in GROUPS:
    group.register(app)


def main() -> None:
    """Run the command line; an error of the user is one line on stderr and the exit status 2.

    A training that was asked to stop has saved its state and ends with the exit status 75: try again. So does a step of
    the workflow that begins after the run's deadline.
    """
    for number in (signal.SIGTERM, signal.SIGUSR1, GONE):
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)
    principal = find_principal(os.environ)
    if principal is not None:
        end_with(principal)
    # Read when torch and faiss are imported. Threads that wait otherwise burn the core that another step computes on.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Read when the bars' module is imported. A run's logs hold the bars too, where ten lines a second are many.
    os.environ.setdefault("TQDM_MININTERVAL", "1")
    if not _speaks():
        os.environ["TQDM_DISABLE"] = "1"
    try:
        _refuse_after_the_deadline()
        app()
    except UserError as error:
        _stop(str(error) if _speaks() else None)
    except Interrupted as pause:
        print(pause, file=sys.stderr)
        sys.exit(EXIT_STATUS)
    except OSError as error:
        _stop(": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error))


def _refuse_after_the_deadline() -> None:
    """Begin nothing when the time of the run is over; LANDMARKS_MAX_MINUTES alone limits trainings (`deadline`)."""
    deadline = find_deadline({DEADLINE_VARIABLE: os.environ.get(DEADLINE_VARIABLE, "")})
    if deadline is not None and time.time() >= deadline:
        raise Interrupted("the time of the run is over; the same command goes on from here")


def _speaks() -> bool:
    """Say whether this process tells of progress and errors: of several that torchrun started, the machine's first.

    They run the same command on the same files, and what the main one meets is raised in all, so that one line says it.
    """
    return os.environ.get("LOCAL_RANK", "0") == "0"


def _stop(message: str | None) -> None:
    if "tqdm" in sys.modules:
        _close_progress_bars()
    if message is None:
        # As soon as one process ends, torchrun stops the others, and the one that speaks may not have done so yet.
        time.sleep(2)
    else:
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)


def _close_progress_bars() -> None:
    """End the lines of bars that the error left open, so that it stands on a line of its own."""
    from tqdm import tqdm

    for bar in list(getattr(tqdm, "_instances", ())):
        bar.close()


def _end(number: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C when a scheduler stops the job: temporary files go, unlike after an abrupt end."""
    sys.exit(128 + number)
