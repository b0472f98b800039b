"""Free photographs for the training: collected from Debian packages or a folder, and listed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from landmark_discovery.bootstrap_training.photograph_choice import (
    TABLE,
    USED,
    Candidate,
    choose_photographs,
    picture_name,
)
from landmark_discovery.config.photographs import PhotographSettings, source_fault
from landmark_discovery.data.folder import list_images
from landmark_discovery.data.store import SPLITS
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder
from landmark_discovery.writable import refuse_foreign_folder


def collect_photographs(settings: PhotographSettings, packages_folder: Path, output: Path) -> None:
    """Write the photographs that count into a folder, and a table of all that were looked at.

    Args:
        settings: packages or folder, and which images count.
        packages_folder: where .deb files lie or are put.
        output: folder that is made, or replaced where it is such a collection: `photographs.csv` with the columns
            `COLUMNS`, whose `used` says yes or why not, and the used images themselves as package/file.

    Raises:
        UserError: packages that can't be had or read, no such folder, no photographs for a side of the split, or an
            output that would take the place of files of the user.
    """
    _check_source(settings)
    _check_output(output, [packages_folder, *([Path(settings.folder)] if settings.folder else [])])
    packages = [] if settings.folder else _fetched(settings, packages_folder)
    with atomic_folder(output, _is_collection) as folder:
        with tempfile.TemporaryDirectory(prefix=".unpacked.", dir=folder) as scratch:
            if settings.folder:
                candidates = _candidates_of_folder(Path(settings.folder))
            else:
                candidates = _candidates_of_packages(packages, Path(scratch))
            table = choose_photographs(candidates, settings)
            _check_split(table, settings)
            for candidate, used in zip(candidates, table["used"], strict=True):
                if used == USED:
                    target = folder / candidate.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(candidate.path, target)
        # Names that aren't UTF-8 are listed too, and not used.
        table.to_csv(folder / TABLE, index=False, lineterminator="\n", errors="backslashreplace")


def _check_source(settings: PhotographSettings) -> None:
    # The section of a step lacks keys, and what lacks keys doesn't check itself.
    fault = source_fault(settings.packages, settings.folder)
    if fault:
        raise UserError(fault, where="photographs")
    if settings.folder and not Path(settings.folder).is_dir():
        what = "not a folder" if Path(settings.folder).exists() else "no such folder"
        raise UserError(what, where=settings.folder, remedy="set `photographs.folder` to a folder of photographs")


def _check_output(output: Path, sources: Sequence[Path]) -> None:
    """Refuse an output that holds anything but a collection, or overlaps a folder that is read."""
    target = Path(os.path.realpath(output))
    for source in sources:
        place = Path(os.path.realpath(source))
        if target == place or target in place.parents or place in target.parents:
            raise UserError(
                f"the collection would take the place of {source}, contain it or lie in it",
                where=output,
                remedy="write into another folder",
            )
    if output.exists() and not output.is_dir():
        raise UserError("a file, not a folder", where=output, remedy="give the name of a new folder")
    refuse_foreign_folder(output, _is_collection)


def _is_collection(folder: Path) -> bool:
    return (folder / TABLE).is_file()


# What reads Debian's packages need not be installed where photographs come from a folder.
def _fetched(settings: PhotographSettings, folder: Path) -> list[Path]:
    from landmark_discovery.bootstrap_training.debian_packages import fetch_packages

    return fetch_packages(settings.packages, folder)


def _candidates_of_folder(root: Path) -> list[Candidate]:
    # The names of anybody's files say nothing about their content.
    return [Candidate(root / file, file, picture=file) for file in list_images(root)]


def _candidates_of_packages(packages: Sequence[Path], scratch: Path) -> list[Candidate]:
    from landmark_discovery.bootstrap_training.debian_packages import unpack_images

    return [
        Candidate(
            path=scratch / str(number) / image.file,
            file=image.file,
            picture=f"{image.package}/{picture_name(image.file)}",
            package=image.package,
            version=image.version,
            licence=image.licence.licence,
            author=image.licence.author,
        )
        for number, package in enumerate(packages)
        for image in unpack_images(package, scratch / str(number))
    ]


def _check_split(table: pd.DataFrame, settings: PhotographSettings) -> None:
    found = table.loc[table["used"] == USED, "split"]
    for side in SPLITS:
        if side not in found.to_numpy():
            raise UserError(
                f"{len(table)} images were looked at, {len(found)} count, and none of them is for the {side} side",
                where=settings.folder or ", ".join(settings.packages),
                remedy="give more photographs, lower `photographs.min_side_px` or `photographs.min_texture`, or change "
                "`photographs.test_share`",
            )
