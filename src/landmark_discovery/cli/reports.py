"""Commands that sum up runs: the report of one, and several beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile, OutputFolder, labelled_folders


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(report)
    app.command()(compare)


def report(
    configuration: Annotated[Path, typer.Option(help="Configuration of the experiment (YAML).")],
    store: Annotated[
        list[Path], typer.Option(help="Prepared data set; of two, the first trains and the second evaluates.")
    ],
    evaluation: Annotated[
        list[Path],
        typer.Option(help="Folder with metrics.json, curves and predictions.npz, of stage 1, then of stage 2."),
    ],
    weights: Annotated[Path, typer.Option(help="Weights of stage 2 (safetensors).")],
    output: OutputFile,
    headline: Annotated[
        list[Path] | None, typer.Option(help="Folder of the headline protocol, of stage 1, then of stage 2.")
    ] = None,
    training: Annotated[
        list[Path] | None, typer.Option(help="Folder with logs and rounds, of stage 1, then of stage 2.")
    ] = None,
    bootstrap_picture: Annotated[Path | None, typer.Option(help="Picture of the bootstrap keypoints.")] = None,
    benchmark: Annotated[list[Path] | None, typer.Option(help="Snakemake's benchmark of a step, in order.")] = None,
    verdict: Annotated[Path | None, typer.Option(help="verdict.json of this experiment.")] = None,
    provenance: Annotated[Path | None, typer.Option(help="provenance.json of this experiment.")] = None,
    licence: Annotated[list[str] | None, typer.Option(help="Licence that the results depend on.")] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(help="Evaluation of another run, laid over the curves.", metavar="LABEL=FOLDER"),
    ] = None,
) -> None:
    """Write the report of a run: one page that needs no other file and no network."""
    from landmark_discovery.reporting.report.inputs import ReportFiles
    from landmark_discovery.reporting.report.page import write_report

    files = ReportFiles(
        configuration=configuration,
        stores=tuple(store),
        evaluations=tuple(evaluation),
        weights=weights,
        headlines=tuple(headline or ()),
        training=tuple(training or ()),
        bootstrap_picture=bootstrap_picture,
        benchmarks=tuple(benchmark or ()),
        verdict=verdict,
        provenance=provenance,
        licences=tuple(licence or ()),
        beside=labelled_folders(beside or [], "--beside"),
    )
    write_report(output, files)


def compare(
    results: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs, the yardstick first.", metavar="RESULTS...")
    ],
    output: OutputFolder,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare runs whose figures have different meanings; the page says so.")
    ] = False,
) -> None:
    """Set runs beside each other: a table, overlaid curves, differences with their spread over seeds."""
    from landmark_discovery.reporting.comparison.page import write_comparison

    typer.echo(write_comparison(output, results, anyway=anyway))
