"""Commands that collect free photographs and cut them for the training of `superpoint-open`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile, OutputFolder
from landmark_discovery.config.photographs import PhotographSettings
from landmark_discovery.config.steps_json import read_part
from landmark_discovery.errors import UserError

PhotographOptions = Annotated[
    str | None,
    typer.Option("--settings", help="Keys of `photographs` that differ from the defaults, as JSON.", metavar="JSON"),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("collect-photographs")(collect_photographs)
    app.command("cut-photographs")(cut_photographs)


def settings_of(text: str | None) -> PhotographSettings:
    """Read keys of the section as JSON; the others have their defaults.

    Raises:
        UserError: no JSON object, unknown keys, or values that aren't allowed.
    """
    # Keys that aren't given don't take part in checks of several keys together: a step may have them otherwise.
    return PhotographSettings.model_construct(**vars(read_part(PhotographSettings, text or "{}")))


def collect_photographs(
    packages: Annotated[Path, typer.Option(help="Folder of Debian packages; those that it lacks are fetched.")],
    output: OutputFolder,
    settings: PhotographOptions = None,
) -> None:
    """Take the photographs out of packages of wallpapers, with a table of their licences and authors."""
    chosen = settings_of(settings)
    from landmark_discovery.bootstrap_training.photographs import collect_photographs

    try:
        collect_photographs(chosen, packages, output)
    except ModuleNotFoundError as error:
        raise UserError(
            "Debian's packages are read by python-debian, which isn't installed",
            remedy="pip install --requirement envs/requirements-bootstrap-training.txt",
        ) from error


def cut_photographs(
    photographs: Annotated[Path, typer.Option(help="Folder made by `landmarks collect-photographs`.")],
    output: OutputFile,
    settings: PhotographOptions = None,
    seed: Annotated[int, typer.Option(help="Seed of the places.", min=0)] = 0,
) -> None:
    """Cut grey squares out of photographs."""
    chosen = settings_of(settings)
    from landmark_discovery.bootstrap_training.crops import cut_crops

    cut_crops(photographs, chosen, seed, output)
