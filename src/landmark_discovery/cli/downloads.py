"""Commands that fetch what others publish."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import writable_file
from landmark_discovery.downloads.lock import LOCK_FILE
from landmark_discovery.downloads.sources import DOWNLOADS_FOLDER
from landmark_discovery.errors import UserError

Lock = Annotated[
    Path, typer.Option(help="Lock file: digests of files that have no published one.", envvar="LANDMARKS_LOCK")
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        help="Licence that you have read and accept, such as celeba.", metavar="LICENCE", envvar="LANDMARKS_LICENCES"
    ),
]
Sources = Annotated[
    Path | None,
    typer.Option(help="Table of addresses and digests, in place of the package's (CSV).", envvar="LANDMARKS_SOURCES"),
]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", help="Fetch nothing; what is missing is named, with its place.", envvar="LANDMARKS_OFFLINE"
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(downloads)
    app.command()(download)


def downloads(
    names: Annotated[list[str] | None, typer.Argument(help="Downloads to look at; all where none is named.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file (YAML): look at what its experiments need.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help=f"Folder of the downloads. Default: {DOWNLOADS_FOLDER}.")] = None,
    lock: Annotated[
        Path | None, typer.Option(help=f"Lock file. Default: {LOCK_FILE}.", envvar="LANDMARKS_LOCK")
    ] = None,
    accept: Accept = None,
    sources: Sources = None,
    offline: Offline = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where you must do something first.")] = False,
) -> None:
    """Say which downloads are there, which will be fetched, and what you must do first; nothing is fetched."""
    from landmark_discovery.downloads.readiness import readiness, readiness_report, require_ready
    from landmark_discovery.downloads.sources import read_sources

    given = _settings_of(config)
    table = read_sources(sources or given.sources)
    wanted = list(names or []) + given.needed
    accepted = [*(accept or []), *given.accepted]
    rows = readiness(
        wanted or table, folder or given.folder, lock or given.lock, accepted, table, offline=offline or given.offline
    )
    typer.echo(readiness_report(rows))
    if strict:
        require_ready(rows)


@dataclass(frozen=True)
class _Given:
    """Hold what a configuration says of downloads; without one, the defaults."""

    needed: list[str] = field(default_factory=list)
    accepted: tuple[str, ...] = ()
    folder: Path = DOWNLOADS_FOLDER
    lock: Path = LOCK_FILE
    sources: Path | None = None
    offline: bool = False


def _settings_of(config: Path | None) -> _Given:
    if config is None:
        return _Given()
    from landmark_discovery.config.experiments import expand_experiments
    from landmark_discovery.config.loading import load_config, read_config_file
    from landmark_discovery.config.published import needed_downloads

    experiments = expand_experiments(load_config(read_config_file(config), where=config), where=config)
    needed = [name for experiment in experiments.values() for name in needed_downloads(experiment)]
    if not needed:
        raise UserError("its experiments need no downloads", where=config, remedy="leave it out to see all downloads")
    first = next(iter(experiments.values()))
    own = first.downloads
    sources = Path(own.sources) if own.sources else None
    folder = Path(own.folder).expanduser()
    return _Given(needed, first.accept_licences, folder, Path(own.lock), sources, own.offline)


def download(
    name: Annotated[str, typer.Argument(help="Download to fetch; `landmarks downloads` lists them.")],
    folder: Annotated[
        Path | None, typer.Option(help=f"Folder of the downloads. Default: that of --output, or {DOWNLOADS_FOLDER}.")
    ] = None,
    lock: Lock = LOCK_FILE,
    accept: Accept = None,
    sources: Sources = None,
    offline: Offline = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the sha256 of the right file, as sha256sum does.", callback=writable_file)
    ] = None,
) -> None:
    """Fetch a file that others publish, unless it is there already, and check it either way."""
    from landmark_discovery.downloads.checks import sha256_of
    from landmark_discovery.downloads.fetch import Means, fetch
    from landmark_discovery.downloads.sources import find_source, read_sources
    from landmark_discovery.files import write_text

    source = find_source(name, read_sources(sources))
    if source.licence is not None:
        typer.echo(f"licence of {name}: {source.licence}")
    place = folder or (output.parent if output else DOWNLOADS_FOLDER)
    path = fetch(source, place, lock, accept or [], Means(offline=offline))
    typer.echo(str(path))
    if output is not None:
        write_text(output, f"{sha256_of(path, source, lock)}  {name}\n")
