"""Options that several commands share, and the settings that they lead to."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.config.loading import load_config, parse_assignments, read_config_file
from landmark_discovery.config.schema import Config
from landmark_discovery.config.steps_json import read_step_settings, step_settings
from landmark_discovery.errors import UserError
from landmark_discovery.writable import check_writable


class Device(StrEnum):
    """Where networks compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def writable_file(path: Path | None) -> Path | None:
    """Refuse an output that can't be written before any work is done for it."""
    if path is not None:
        check_writable(path)
    return path


def writable_files(paths: list[Path]) -> list[Path]:
    """Refuse outputs of which one can't be written before any work is done for them."""
    for path in paths:
        check_writable(path)
    return paths


def _writable_folder(path: Path) -> Path:
    check_writable(path, folder=True)
    return path


Settings = Annotated[
    str | None,
    typer.Option(help="The keys of this step as JSON; what the workflow passes.", metavar="JSON"),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML), see config/README.md.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="One key on top of the file, such as stage1.iterations=900.", metavar="KEY=VALUE"),
]
Store = Annotated[Path, typer.Option(help="Prepared data set, made by `landmarks prepare`.")]
Weights = Annotated[Path, typer.Option(help="Trained weights (safetensors).")]
OutputFile = Annotated[Path, typer.Option("--output", help="File to write.", callback=writable_file)]
OutputFolder = Annotated[Path, typer.Option("--output", help="Folder to write.", callback=_writable_folder)]


def settings_of(step: str, settings: str | None, config: Path | None, assignments: list[str] | None) -> Config:
    """Choose the settings of a step: JSON of the workflow, or a configuration file and single keys.

    Returns:
        A configuration with the keys of the step alone.

    Raises:
        UserError: both kinds at once, or a configuration that isn't valid.
    """
    if settings is None:
        given = read_config_file(config) if config is not None else {}
        whole = load_config(given, parse_assignments(assignments or []), where=config)
        settings = step_settings(whole, step)
    elif config is not None or assignments:
        raise UserError("--settings says everything", remedy="give either --settings, or --config and --set")
    return read_step_settings(settings)


def labelled_folders(items: list[str], option: str, *, named_by_folder: bool = False) -> dict[str, Path]:
    """Read LABEL=FOLDER, several times; two of one label would hide one another.

    Args:
        items: what the option was given.
        option: its name, for errors.
        named_by_folder: a folder alone is labelled by its name.

    Raises:
        UserError: no label or no folder, or a label that stands twice.
    """
    folders: dict[str, Path] = {}
    for item in items:
        bare = named_by_folder and "=" not in item
        label, _, folder = f"{Path(item).name}={item}".partition("=") if bare else item.partition("=")
        if not (label and folder):
            raise UserError(f"{option} is {item!r}", remedy="write LABEL=FOLDER")
        if label in folders:
            raise UserError(f"{option} gives two runs the label {label!r}", remedy="write LABEL=FOLDER, each its own")
        folders[label] = Path(folder)
    return folders
