"""What finished runs measured for each published figure, read from their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from landmark_discovery.files import finite_number
from landmark_discovery.reporting.summary import read_metrics
from landmark_discovery.verdict.figures import PublishedFigure

# What an error is held against: a prediction that ignores the image.
BASELINES = {"forward_nme": "mean_shape_nme", "backward_nme": "mean_landmark_nme"}


@dataclass(frozen=True)
class Measurement:
    """Hold a figure as one run measured it.

    Attributes:
        value: in percent; None: the run has no such figure.
        baseline: mean shape for a forward error, mean landmark for a backward one, in percent; None: unknown.
        absence: why there is no value; "" where there is one.
        run: results folder of the run; two runs that measured the same are equal.
    """

    value: float | None
    baseline: float | None = None
    absence: str = ""
    run: str = field(default="", compare=False)


def metrics_path(results: str | Path, figure: PublishedFigure) -> Path:
    """Name the file that holds a figure, in the results folder of an experiment."""
    folder = Path(results) / "evaluation" / f"stage{figure.stage}"
    return (folder / "headline" if figure.evaluation == "headline" else folder) / "metrics.json"


def read_measurements(
    figures: Sequence[PublishedFigure], runs: Mapping[str, Sequence[str | Path]]
) -> dict[str, tuple[Measurement, ...]]:
    """Read what runs measured for published figures.

    Args:
        figures: what is looked for.
        runs: results folders by experiment, one a seed.

    Returns:
        Measurements by the figure's id, one a run; none for an experiment without runs.

    Raises:
        UserError: a metrics file that is there but can't be read.
    """
    return {
        figure.id: tuple(
            replace(_measurement(metrics_path(folder, figure), figure), run=str(folder))
            for folder in runs.get(figure.experiment, ())
        )
        for figure in figures
    }


def _measurement(path: Path, figure: PublishedFigure) -> Measurement:
    if not path.is_file():
        return Measurement(None, absence=f"{path}: no such file")
    metrics = read_metrics(path)
    # The settings say what was asked for, and where they leave that open, the metrics what it came to.
    settings = metrics.get("settings")
    asked = settings if isinstance(settings, dict) else {}
    known = metrics | {key: value for key, value in asked.items() if value is not None}
    differing = [key for key, wanted in figure.conditions.items() if known.get(key) != wanted]
    if differing:
        key = differing[0]
        return Measurement(
            None, absence=f"{path}: another definition, {key} is {known.get(key)!r}, not {figure.conditions[key]!r}"
        )
    value = finite_number(metrics.get(figure.metric))
    absence = "" if value is not None else f"{path}: {figure.metric} is undefined"
    return Measurement(value, finite_number(metrics.get(BASELINES[figure.metric])), absence)
