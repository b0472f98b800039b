"""The commands that turn trained weights into what others can use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Assignments, ConfigFile, OutputFile, Settings, Weights, settings_of


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(package_model)
    app.command()(model_card)


Stores = Annotated[
    list[Path], typer.Option("--store", help="Prepared data set; of two, the first trained and the second evaluates.")
]


def package_model(
    store: Stores,
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

    save_weights(output, packaged(weights, [read_store(path) for path in store], chosen, licence or []))


def model_card(
    model: Annotated[Path, typer.Option(help="Model file, made by `landmarks package-model`.")],
    metrics: Annotated[Path, typer.Option(help="metrics.json of stage 2.")],
    store: Stores,
    configuration: Annotated[Path, typer.Option(help="Configuration of the experiment (YAML).")],
    output: OutputFile,
) -> None:
    """Write the card of a model: data, training, figures, limits, licences, citation."""
    from landmark_discovery.config.loading import load_config, read_config_file
    from landmark_discovery.data.store import read_store
    from landmark_discovery.files import read_json, write_text
    from landmark_discovery.inference.model_card import model_card as written
    from landmark_discovery.inference.package import load_model

    chosen = load_config(read_config_file(configuration), where=configuration)
    measured = read_json(metrics, kind="metrics", remedy="make it with `landmarks evaluate`")
    cards = [read_store(path).facts for path in store]
    write_text(output, written(load_model(model), measured, chosen, cards))
