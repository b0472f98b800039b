"""The pages of the report that hold tables, from the files of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from landmark_discovery.files import read_json, write_text
from landmark_discovery.provenance.environment import software_versions
from landmark_discovery.reporting.tables import (
    configuration_page,
    dataset_page,
    metrics_page,
    timings_page,
    versions_page,
)


def write_summary(
    folder: str | Path,
    metrics: Mapping[str, str | Path],
    benchmarks: Sequence[str | Path],
    cards: Mapping[str, Mapping[str, Any]],
    configuration: Mapping[str, Any],
    versions: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write metrics.html, timings.html, versions.html, dataset.html and configuration.html.

    Args:
        folder: where they go.
        metrics: by label, such as "Stage 1", the path of metrics.json; the last one makes the headline.
        benchmarks: Snakemake's benchmark files in the order shown; those that aren't there are left out.
        cards: of the data set by label, each `ImageStore.facts`.
        configuration: of the experiment, plain values.
        versions: by name; None: of the packages installed here.

    Raises:
        UserError: a metrics file that can't be read, or a folder that can't be written.
    """
    pages = {
        "metrics": metrics_page({label: read_metrics(path) for label, path in metrics.items()}),
        "timings": timings_page(read_benchmarks(benchmarks)),
        "versions": versions_page(software_versions() if versions is None else versions),
        "dataset": dataset_page(cards),
        "configuration": configuration_page(configuration),
    }
    paths = [Path(folder) / f"{name}.html" for name in pages]
    for path, text in zip(paths, pages.values(), strict=True):
        write_text(path, text)
    return paths


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read a metrics.json.

    Raises:
        UserError: no such file, or not a JSON object.
    """
    return read_json(path, kind="metrics", remedy="make it with `landmarks evaluate`")


def read_benchmarks(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Read Snakemake's benchmark tables that are there, by the names of their steps."""
    return {_step_of(Path(path)): pd.read_csv(path, sep="\t") for path in paths if Path(path).is_file()}


def _step_of(path: Path) -> str:
    """Name the step: the file in an experiment's folder, the folder where experiments share results."""
    if path.parent.name == "benchmarks":
        return path.stem
    return f"{path.parent.name}_evaluation" if path.stem.endswith("-evaluation") else path.parent.name
