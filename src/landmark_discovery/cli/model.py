"""The commands that turn trained weights into what others can use."""

from __future__ import annotations

from typing import Annotated

import typer

from landmark_discovery.cli.options import Assignments, ConfigFile, OutputFile, Settings, Store, Weights, settings_of


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(package_model)


def package_model(
    store: Store,
    weights: Weights,
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Licence that the data or the bootstrap weights stand under, by its key.")
    ] = None,
) -> None:
    """Write one file with all that prediction on other images needs, from weights of stage 2."""
    chosen = settings_of("package-model", settings, config, assignments)
    from landmark_discovery.data.store import read_store
    from landmark_discovery.inference.package import package_model as packaged
    from landmark_discovery.training.weights import save_weights

    save_weights(output, packaged(weights, read_store(store), chosen, licence or []))
