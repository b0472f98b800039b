"""Commands about the machine and the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Assignments, ConfigFile, Settings, settings_of, writable_file
from landmark_discovery.errors import UserError


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(doctor)
    app.command()(show_config)
    app.command()(config_documents)


def doctor(
    output: Annotated[Path | None, typer.Option(help="Write the same to a file.", callback=writable_file)] = None,
    strict: Annotated[bool, typer.Option(help="End with status 1 where something needed is missing.")] = True,
) -> None:
    """Say what this machine offers and what is missing."""
    from landmark_discovery.cli.machine import describe_machine
    from landmark_discovery.files import write_text

    findings = describe_machine()
    text = "\n".join(str(finding) for finding in findings)
    typer.echo(text)
    if output is not None:
        write_text(output, text + "\n")
    if strict and any(finding.missing for finding in findings):
        raise typer.Exit(1)


def show_config(
    output: Annotated[Path | None, typer.Option(help="Write it to a file instead.", callback=writable_file)] = None,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Say the value of every key, those of the recipe and the paper included, as YAML."""
    chosen = settings_of("report", settings, config, assignments)
    from landmark_discovery.config.documents import explicit_yaml
    from landmark_discovery.files import write_text

    if output is None:
        typer.echo(explicit_yaml(chosen), nl=False)
    else:
        write_text(output, explicit_yaml(chosen))


def config_documents(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file has drifted.")] = False,
    root: Annotated[Path, typer.Option(help="Root of the project.")] = Path(),
) -> None:
    """Make config.yaml, config/README.md and the JSON schema from the typed configuration."""
    from landmark_discovery.config.documents import check_documents, write_documents

    if not (root / "workflow" / "Snakefile").exists():
        raise UserError("not the root of the project", where=root.resolve(), remedy="go there, or give --root")
    if check:
        check_documents(root)
    else:
        written = write_documents(root)
        typer.echo(f"written: {', '.join(written)}" if written else "everything is up to date")
