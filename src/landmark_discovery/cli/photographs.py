"""Commands that collect free photographs and cut them for the training of `superpoint-open`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile, OutputFolder
from landmark_discovery.config.photographs import COLLECT_KEYS, CUT_KEYS, PhotographSettings, keys_json
from landmark_discovery.config.steps_json import read_part
from landmark_discovery.errors import UserError

PhotographOptions = Annotated[
    str | None,
    typer.Option("--settings", help="The keys of this step as JSON; what the workflow passes.", metavar="JSON"),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("collect-photographs")(collect_photographs)
    app.command("cut-photographs")(cut_photographs)


def settings_of(text: str | None, keys: Sequence[str]) -> PhotographSettings:
    """Choose the settings of a step: JSON that has all its keys, or the defaults.

    Returns:
        A section with these keys alone; reading any other raises AttributeError.

    Raises:
        UserError: no JSON object, unknown or missing keys, or values that aren't allowed.
    """
    needed = f"needed: {', '.join(keys)}; workflow/bootstrap_training/config.yaml has each with a valid value"
    if text is None:
        text = keys_json(PhotographSettings(), keys)
    settings = read_part(PhotographSettings, text, needed)
    missing = [key for key in keys if key not in vars(settings)]
    if missing:
        raise UserError(f"key {missing[0]!r} is missing", where="--settings", remedy=needed)
    return settings


def collect_photographs(
    packages: Annotated[Path, typer.Option(help="Folder of Debian packages; those that it lacks are fetched.")],
    output: OutputFolder,
    settings: PhotographOptions = None,
) -> None:
    """Take the photographs out of packages of wallpapers, with a table of their licences and authors."""
    chosen = settings_of(settings, COLLECT_KEYS)
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
    chosen = settings_of(settings, CUT_KEYS)
    from landmark_discovery.bootstrap_training.crops import cut_crops

    cut_crops(photographs, chosen, seed, output)
