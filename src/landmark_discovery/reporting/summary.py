"""What a run measured and needed, read from its small files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from landmark_discovery.errors import UserError
from landmark_discovery.files import finite_number, read_json


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read a metrics.json.

    Raises:
        UserError: no such file, or not a JSON object.
    """
    return read_json(path, kind="metrics", remedy="make it with `landmarks evaluate`")


def detection_rates(metrics: Mapping[str, Any]) -> list[float | None]:
    """List in what share of the test images each landmark was found; None: undefined. Empty: nothing was measured."""
    return [finite_number(rate) for rate in metrics.get("detection_rate") or []]


def mean_detection_rate(metrics: Mapping[str, Any]) -> float | None:
    """Average the detection rates over the landmarks that have one; None without any."""
    known = [rate for rate in detection_rates(metrics) if rate is not None]
    return sum(known) / len(known) if known else None


def read_benchmarks(paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Read Snakemake's benchmark tables that are there, by the names of their steps.

    Raises:
        UserError: a file that is no such table.
    """
    return {_step_of(Path(path)): _read_benchmark(path) for path in paths if Path(path).is_file()}


def _read_benchmark(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t")
    except (OSError, ValueError) as error:
        raise UserError(f"not a benchmark of Snakemake ({error})", where=path, remedy="delete it") from error


def _step_of(path: Path) -> str:
    """Name the step: the file in an experiment's folder, the folder where experiments share results."""
    if path.parent.name == "benchmarks":
        return path.stem
    return f"{path.parent.name}_evaluation" if path.stem.endswith("-evaluation") else path.parent.name
