"""Checks of values of different sections that contradict each other; those of one section check themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from landmark_discovery.config.published import PUBLISHED_COUNTS, PUBLISHED_KINDS
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError

Problem = tuple[str, str]


def check_consistency(config: Config, where: str | Path | None = None) -> None:
    """Refuse values that are each allowed and make no sense together.

    Raises:
        UserError: the first contradiction found.
    """
    for check in (_dataset_problems, _pretrained_problems, _schedule_problems):
        for what, remedy in check(config):
            raise UserError(what, where=where, remedy=remedy)


def _dataset_problems(config: Config) -> Iterator[Problem]:
    if config.dataset.kind == "folder" and not config.dataset.path:
        yield "dataset.path is missing", "name the folder of images: --config 'dataset={path: FOLDER}'"
    if config.dataset.kind != "folder" and config.dataset.path:
        yield (
            f"dataset.path is {config.dataset.path!r} though dataset.kind is {config.dataset.kind}",
            "set dataset.kind to folder",
        )


def _pretrained_problems(config: Config) -> Iterator[Problem]:
    if not config.pretrained:
        return
    if config.dataset.kind not in PUBLISHED_KINDS:
        yield (
            f"pretrained weights are asked for, and dataset.kind is {config.dataset.kind}",
            f"valid: {', '.join(PUBLISHED_KINDS)}; or set pretrained to false",
        )
    if config.num_landmarks not in PUBLISHED_COUNTS:
        yield (
            f"pretrained weights are asked for, and num_landmarks is {config.num_landmarks}",
            f"valid: {', '.join(map(str, PUBLISHED_COUNTS))}; or set pretrained to false",
        )


def _schedule_problems(config: Config) -> Iterator[Problem]:
    stage1 = config.stage1
    if stage1.warmup_iterations > stage1.iterations:
        yield (
            f"stage1.warmup_iterations is {stage1.warmup_iterations}, more than stage1.iterations {stage1.iterations}",
            "shorten the warm-up, or train longer",
        )
    if config.clustering.training_clusters < config.num_landmarks:
        yield (
            f"clustering.training_clusters is {config.clustering.training_clusters}, fewer than num_landmarks "
            f"{config.num_landmarks}",
            "raise it to several times num_landmarks",
        )
