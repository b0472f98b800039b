"""The command `landmarks`: one sub-command a step of the pipeline."""

from __future__ import annotations

import sys

import typer

from landmark_discovery.cli import bootstrap, data, evaluation, pictures, prediction, project, training
from landmark_discovery.errors import UserError

app = typer.Typer(
    name="landmarks",
    help="Discover object landmarks in images without any annotation, one step of the pipeline a command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for group in (data, bootstrap, training, prediction, evaluation, pictures, project):
    group.register(app)


def main() -> None:
    """Run the command line; an error of the user is one line on stderr and the exit status 2."""
    try:
        app()
    except UserError as error:
        _stop(str(error))
    except OSError as error:
        _stop(": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error))


def _stop(message: str) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
