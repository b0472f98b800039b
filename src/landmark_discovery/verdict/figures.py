"""The figures published for the method, as paper.yaml lists them (method, section 7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from landmark_discovery.config.base import NotNegative, Positive, Section
from landmark_discovery.config.loading import read_config_file
from landmark_discovery.errors import UserError, nearest_name

Metric = Literal["forward_nme", "backward_nme"]
# What pydantic calls it where a key is a text, and where it is a number.
_UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


class PublishedFigure(Section):
    """One published figure, what it means, and how far a measured one may lie from it."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Name of the figure; no two share one.")
    experiment: str = Field(description="Experiment that measures it, one of `experiments`.")
    stage: int = Field(ge=1, le=2, description="Stage that is measured, 1 or 2.")
    evaluation: Literal["headline", "curves"] = Field(description="Protocol: headline or curves.")
    metric: Metric = Field(description="Key of metrics.json: forward_nme or backward_nme.")
    value: Positive = Field(description="The published figure in percent.")
    definition: str = Field(min_length=1, description="Points, normaliser, images of the regression and K, in words.")
    source: str = Field(min_length=1, description="Which text has the figure.")
    certainty: Literal["paper", "quoted", "plot"] = Field(
        description="paper: seen in the paper; quoted: by other papers; plot: read off the authors' plot."
    )
    conditions: dict[str, bool | str | int | float] = Field(
        default={}, description="Entries of metrics.json without which a number has another definition."
    )
    tolerance: NotNegative = Field(description="Accepted distance in percentage points.")
    tolerance_reason: str = Field(min_length=1, description="Why so much is accepted.")
    sides: Literal["both", "worse"] = Field(
        description="both: neither better nor worse by more than the tolerance; worse: only not worse."
    )

    @property
    def accepted(self) -> tuple[float, float]:
        """Give the accepted range in percent, ends included; no lower end where only worse is refused."""
        return (self.value - self.tolerance if self.sides == "both" else -math.inf, self.value + self.tolerance)


class OtherFigure(Section):
    """A figure of another method on the same data, for comparison alone."""

    method: str = Field(min_length=1, description="The other method.")
    experiment: str = Field(description="Experiment beside which it is shown, one of `experiments`.")
    metric: Metric = Field(description="forward_nme or backward_nme.")
    value: Positive = Field(description="The figure in percent.")
    source: str = Field(min_length=1, description="Which text has the figure.")


class FigureList(Section):
    """All published figures that measured ones are held against."""

    experiments: tuple[str, ...] = Field(description="List of the experiments that figures may belong to.")
    figures: tuple[PublishedFigure, ...] = Field(default=(), description="List of published figures of the method.")
    others: tuple[OtherFigure, ...] = Field(default=(), description="List of figures of other methods.")

    def of(self, experiments: Sequence[str]) -> FigureList:
        """Select what belongs to some experiments, also to ones without any figure."""
        return FigureList(
            experiments=tuple(experiments),
            figures=tuple(figure for figure in self.figures if figure.experiment in experiments),
            others=tuple(figure for figure in self.others if figure.experiment in experiments),
        )


def read_figures(path: str | Path) -> FigureList:
    """Read a list of published figures.

    Args:
        path: a YAML file such as paper.yaml.

    Raises:
        UserError: no such file, no YAML, an unknown or missing key, a value that isn't allowed, two figures of one id,
            or a figure of an experiment that isn't listed.
    """
    try:
        figures = FigureList.model_validate(read_config_file(path))
    except ValidationError as error:
        raise _explained(error, path) from error
    _check_ids(figures, path)
    _check_experiments(figures, path)
    return figures


def _check_ids(figures: FigureList, path: str | Path) -> None:
    first: dict[str, int] = {}
    for position, figure in enumerate(figures.figures):
        if figure.id in first:
            raise UserError(
                f"figure {figure.id!r} stands in line {_line(path, ('figures', first[figure.id]))} too",
                where=f"{path}, line {_line(path, ('figures', position))}",
                remedy="give each its own id",
            )
        first[figure.id] = position


def _check_experiments(figures: FigureList, path: str | Path) -> None:
    lists: dict[str, Sequence[PublishedFigure | OtherFigure]] = {"figures": figures.figures, "others": figures.others}
    for name, listed in lists.items():
        for position, figure in enumerate(listed):
            if figure.experiment not in figures.experiments:
                raise UserError(
                    f"unknown experiment {figure.experiment!r}",
                    where=f"{path}, line {_line(path, (name, position, 'experiment'))}",
                    remedy=nearest_name(figure.experiment, figures.experiments),
                )


def _explained(problem: ValidationError, path: str | Path) -> UserError:
    fault = min(problem.errors(), key=lambda error: error["type"] not in _UNKNOWN_KEY)
    location = fault["loc"]
    section, key = _section_and_key(location)
    where = f"{path}, line {_line(path, location)}"
    if fault["type"] in _UNKNOWN_KEY:
        return UserError(f"unknown key {key!r}", where=where, remedy=nearest_name(key, section.model_fields))
    description = section.model_fields[key].description
    if fault["type"] == "missing":
        return UserError(f"key {key!r} is missing", where=where, remedy=description)
    return UserError(f"{key} is {fault['input']!r}: {fault['msg']}", where=where, remedy=description)


def _section_and_key(location: tuple[str | int, ...]) -> tuple[type[Section], str]:
    """Find the section whose key a fault is about; a whole list that is wrong is a key of the file itself."""
    if len(location) < 3 or location[0] == "experiments":
        return FigureList, str(location[0])
    return (PublishedFigure if location[0] == "figures" else OtherFigure), str(location[2])


def _line(path: str | Path, location: tuple[str | int, ...]) -> int:
    """Find the line of a value in a YAML file, or of the nearest one around it that is there."""
    node = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    for part in location:
        below = None if node is None else _child(node, part)
        if below is None:
            break
        node = below
    return 1 if node is None else int(node.start_mark.line) + 1


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        element: yaml.Node = node.value[part]
        return element
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
