"""Commands that write down what made a result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(provenance)
    app.command()(crate)


def provenance(
    configuration: Annotated[Path, typer.Option(help="Configuration of the experiment (YAML).")],
    output: OutputFile,
    benchmark: Annotated[list[Path] | None, typer.Option(help="Snakemake's benchmark of a step.")] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option("--input", help="File or data set that results depend on; a .sha256 stands for its file."),
    ] = None,
    lock: Annotated[Path | None, typer.Option(help="Digests of downloads (downloads.lock).")] = None,
) -> None:
    """Write down code, configuration, software, machine, inputs, seeds and times of an experiment."""
    from landmark_discovery.files import write_json
    from landmark_discovery.provenance.record import provenance as record

    write_json(output, record(configuration, benchmark or [], inputs or [], lock))


def crate(
    results: Annotated[Path, typer.Argument(help="Folder of a finished experiment, such as results/demo.")],
    output: OutputFile,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also pack pictures and report, which show images of the data set.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Root of the project.")] = Path(),
) -> None:
    """Pack a finished run with its workflow as a Workflow Run RO-Crate (zip)."""
    from landmark_discovery.provenance.crate import write_crate

    write_crate(results, output, root, pictures=pictures)
