"""Commands that hold measured figures against the published ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFolder
from landmark_discovery.errors import UserError, nearest_name


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(verdict)
    app.command()(verdict_summary)


def verdict(
    output: OutputFolder,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            help="Results of a run of an experiment; several runs of one are its seeds.",
            metavar="EXPERIMENT=RESULTS_FOLDER",
        ),
    ] = None,
    experiment: Annotated[
        list[str] | None, typer.Option(help="Judge this experiment alone; may be given several times.")
    ] = None,
    figures: Annotated[Path, typer.Option(help="Published figures (YAML).")] = Path("paper.yaml"),
    tolerate_misses: Annotated[
        bool, typer.Option("--tolerate-misses", help="End with status 0 whatever the verdict is.")
    ] = False,
) -> None:
    """Hold what runs measured against the published figures; status 1: a miss, 2: a figure that is not there."""
    from landmark_discovery.verdict.figures import read_figures
    from landmark_discovery.verdict.judgement import judge_all
    from landmark_discovery.verdict.measurements import read_measurements
    from landmark_discovery.verdict.tables import plain_table, write_verdict

    runs = parse_runs(metrics or [])
    listed = read_figures(figures)
    for name in runs:
        if name not in listed.experiments and not re.fullmatch(r"(celeba|ls3d)_k\d+", name):
            raise UserError(
                f"unknown experiment {name!r}", where="--metrics", remedy=nearest_name(name, listed.experiments)
            )
    for name in experiment or ():
        if name not in runs and name not in listed.experiments:
            raise UserError(f"unknown experiment {name!r}", remedy=nearest_name(name, {*listed.experiments, *runs}))
    chosen = listed.of(tuple(dict.fromkeys(experiment or runs or listed.experiments)))
    judged = judge_all(chosen, read_measurements(chosen.figures, runs))
    write_verdict(output, judged)
    typer.echo(plain_table(judged))
    raise typer.Exit(0 if tolerate_misses else judged.exit_status)


def verdict_summary(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `landmarks verdict` wrote.", metavar="FOLDER...")],
    append_to: Annotated[
        Path | None, typer.Option(help="Append the tables to this file instead of printing them.")
    ] = None,
    tolerate_misses: Annotated[
        bool, typer.Option("--tolerate-misses", help="End with status 0 whatever the verdicts are.")
    ] = False,
) -> None:
    """Show verdicts that are there as Markdown; status 1: a miss among them, 2: a figure that is not there."""
    from landmark_discovery.verdict.tables import joint_exit_status, read_verdict

    verdicts = [read_verdict(folder) for folder in folders]
    text = "\n".join(markdown for markdown, _ in verdicts)
    if append_to is None:
        typer.echo(text, nl=False)
    else:
        with append_to.open("a", encoding="utf-8") as file:
            file.write(text)
    raise typer.Exit(0 if tolerate_misses else joint_exit_status([status for _, status in verdicts]))


def parse_runs(items: list[str]) -> dict[str, list[Path]]:
    """Read texts such as "celeba_k10=results/celeba_k10".

    Returns:
        Results folders by experiment, in the order given.

    Raises:
        UserError: a text without `=`, or a folder that is given twice for one experiment.
    """
    runs: dict[str, list[Path]] = {}
    for item in items:
        name, separator, folder = item.partition("=")
        if not (name and separator and folder):
            raise UserError(f"--metrics is {item!r}", remedy="write EXPERIMENT=RESULTS_FOLDER")
        if Path(folder).resolve() in [known.resolve() for known in runs.setdefault(name, [])]:
            raise UserError(f"--metrics names {item!r} twice", remedy="give each run once, since each counts as a seed")
        runs[name].append(Path(folder))
    return runs
