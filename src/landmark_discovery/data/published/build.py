"""Make any of the paper's data sets by its name."""

from __future__ import annotations

from pathlib import Path

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.config.published import PUBLISHED_KINDS
from landmark_discovery.data.published.celeba import build_celeba
from landmark_discovery.data.published.ls3d import build_ls3d
from landmark_discovery.errors import UserError, nearest_name


def build_published(settings: DatasetSettings, downloads: Path, output: Path) -> None:
    """Make a data set folder of the paper from its downloads, whole or not at all.

    Args:
        settings: of the data set: its kind, one of `PUBLISHED_KINDS`, and CelebA's archive.
        downloads: folder of the downloads, by the names that they are published by.
        output: folder to write.

    Raises:
        UserError: another kind, or as in `build_celeba` and `build_ls3d`.
    """
    if settings.kind not in PUBLISHED_KINDS:
        raise UserError(
            f"dataset.kind is {settings.kind}, which isn't a data set of the paper",
            remedy=nearest_name(settings.kind, PUBLISHED_KINDS),
        )
    if settings.kind == "celeba":
        build_celeba(downloads, settings.archive, output)
    else:
        build_ls3d(downloads, output)
