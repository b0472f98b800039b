"""From a folder of images to the prepared store: measure every image, lay out the cuts, cut and write."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.cutting import CutRule, Cuts, cut_window, plan_cuts
from landmark_discovery.data.folder import ImageFolder, check_sides, read_folder
from landmark_discovery.data.images import quiet_decoder, read_image, read_image_size
from landmark_discovery.data.progress import with_progress
from landmark_discovery.data.remarks import left_out_facts, remark_equal_images, remark_far_points
from landmark_discovery.data.splits import make_split
from landmark_discovery.data.store import (
    CORNERS,
    RECTANGLES,
    STORED_COLUMNS,
    ImageStore,
    dataset_facts,
    is_store,
    read_store,
    write_store_from,
)
from landmark_discovery.data.tables import BOX_COLUMNS
from landmark_discovery.errors import UserError
from landmark_discovery.files import read_json
from landmark_discovery.geometry import area_inside
from landmark_discovery.streaming import cpu_count, in_parallel
from landmark_discovery.writable import refuse_foreign_folder

Dropped = list[dict[str, str]]
NAMED_REASONS = 3


def prepare_store(
    folder: str | Path,
    settings: DatasetSettings,
    output: str | Path,
    threads: int | None = None,
    tables: str | Path | None = None,
    *,
    points: bool = True,
) -> ImageStore:
    """Read a data set folder, cut its images and write the store, whole or not at all.

    As many images are in memory as there are threads; the result doesn't depend on their number. With
    `on_bad_image: skip` the store is the one that the folder without the bad images would give; each image is then
    decoded twice, first to learn whether it is sound.

    Args:
        folder: images, with samples.csv and landmarks.csv where there are any. Boxes and points are in pixels of the
            image as it is to be seen, turned as its EXIF orientation says.
        settings: of the data set.
        output: folder of the store.
        threads: images decoded at once; None: one for each CPU.
        tables: folder of samples.csv and landmarks.csv where they don't stand with the images; a split of training
            images alone will do there, since other tables can bring the images to test on.
        points: whether the store has the true points; they are checked without, too.

    Raises:
        UserError: a fault of the folder, its tables or its images, or `output` can't be written or isn't a store.
    """
    refuse_foreign_folder(Path(output), is_store)
    workers = threads or cpu_count()
    both_sides = tables is None
    source = read_folder(folder, tables, both_sides=both_sides)
    with quiet_decoder():
        sound, sizes, dropped = _measured(source, settings.on_bad_image == "skip", workers)
        boxes = _boxes(sound, sizes, check=tables is None)
        # Points that are left out are remarked on by what adds them.
        sound = sound if points else sound.without_points()
        remark_far_points(sound.samples["image"].tolist(), sound.point_tables(), sizes)
        splits, split_made = _splits(sound, settings, both_sides)
        samples = lay_out(sound, sizes, boxes, splits, settings)
        facts = dataset_facts(
            settings.name, settings.kind, samples, sound.landmarks, split_made=split_made, dropped=dropped
        )
        # Of what the pipeline made itself, its tables take a part each.
        facts |= left_out_facts(source) if tables is None else {}
        facts |= _source_facts(Path(folder), made_by_us=tables is not None)
        rows = list(zip(sound.paths, _corners(samples, "window"), _stored_size(samples), strict=True))
        cuts = in_parallel(_cut, rows, workers)
        shown = with_progress(cuts, len(rows), "cutting images")
        write_store_from(shown, output, samples, sound.landmarks, facts, sound.more_landmarks)
    store = read_store(output)
    remark_equal_images(store.facts)
    return store


def lay_out(
    source: ImageFolder,
    sizes: NDArray[np.int64],
    boxes: NDArray[np.float64],
    splits: NDArray[np.str_],
    settings: DatasetSettings,
) -> pd.DataFrame:
    """Decide which part of each image is stored, at which size.

    Args:
        source: the images.
        sizes: (width, height) of each, (N, 2).
        boxes: (N, 4), NaN where an image has none: its box and crop are then the whole image.
        splits: "train" or "test" of each, (N,).
        settings: rule of the crop, context and limit of the size.

    Returns:
        The samples of an `ImageStore`.

    Raises:
        UserError: a box that leaves no crop.
    """
    cuts = plan_cuts(boxes, sizes, CutRule.of(settings))
    _refuse_empty_crops(source, cuts)
    samples = source.samples[["image", "subject"]].copy()
    samples.insert(1, "split", splits)
    samples[["width", "height"]] = sizes
    for kind, rectangle in zip(RECTANGLES, (cuts.box, cuts.crop, cuts.window), strict=True):
        samples[[f"{kind}_{corner}" for corner in CORNERS]] = rectangle
    samples[list(STORED_COLUMNS)] = cuts.stored_size
    return samples


def _measured(source: ImageFolder, skip: bool, workers: int) -> tuple[ImageFolder, NDArray[np.int64], Dropped]:
    """Measure all images; with `skip`, decode them too, and leave out those that can't be."""
    measured = in_parallel(partial(_size_or_fault, decode=skip), source.paths, workers)
    kept, sizes, dropped = [], [], []
    for position, size in enumerate(with_progress(measured, len(source), "checking images")):
        if not isinstance(size, UserError):
            kept.append(position)
            sizes.append(size)
        elif skip:
            dropped.append({"image": source.samples["image"].iloc[position], "reason": size.what})
            tqdm.write(f"left out: {size.where}: {size.what}", file=sys.stderr)
        else:
            raise size
    if not kept:
        reasons = Counter(entry["reason"] for entry in dropped).most_common(NAMED_REASONS)
        counts = ", ".join(f"{count}: {reason}" for reason, count in reasons)
        raise UserError(
            f"none of the {len(source)} images can be read ({counts})",
            where=source.root,
            remedy=f"the first: {dropped[0]['image']}: {dropped[0]['reason']}",
        )
    if dropped:
        print(f"{len(dropped)} of {len(source)} images left out", file=sys.stderr)
    return source.take(np.array(kept)), np.array(sizes), dropped


def _size_or_fault(path: Path, decode: bool) -> tuple[int, int] | UserError:
    try:
        if not decode:
            return read_image_size(path)
        height, width = read_image(path).shape[:2]
    except UserError as fault:
        return fault
    return width, height


def _source_facts(folder: Path, made_by_us: bool) -> dict[str, Any]:
    """Repeat what the pipeline wrote down of a data set that it made, such as the archive that its images are from."""
    facts = folder / "facts.json"
    return {"source": read_json(facts)} if made_by_us and facts.is_file() else {}


def _boxes(source: ImageFolder, sizes: NDArray[np.int64], check: bool) -> NDArray[np.float64]:
    """Give the boxes (N, 4), NaN where there is none; with `check`, none of them mostly outside its image."""
    boxes = source.samples[list(BOX_COLUMNS)].to_numpy(dtype=np.float64)
    if not check:
        # Tables that the pipeline made itself have the boxes that the publication cuts by.
        return boxes
    _refuse_relative_boxes(source, boxes)
    # Detectors let boxes stick out a little, which cropping clips; wrong pixels or another image's box go far beyond.
    outside = np.flatnonzero(area_inside(boxes, sizes) < 0.5)
    if outside.size:
        first = outside[source.samples["line"].to_numpy()[outside].argmin()]
        corners = ", ".join(f"{corner:g}" for corner in boxes[first])
        raise UserError(
            f"the box {corners} of {source.samples['image'].iloc[first]!r} lies by half or more outside the image "
            f"of {sizes[first, 0]} x {sizes[first, 1]} pixels",
            where=source.where(first),
            remedy="give x_min, y_min, x_max, y_max in pixels of the image as it is seen, or leave all four empty",
        )
    return boxes


def _refuse_relative_boxes(source: ImageFolder, boxes: NDArray[np.float64]) -> None:
    # In pixels such a box would cover one at most.
    relative = np.flatnonzero(((boxes >= 0) & (boxes <= 1)).all(axis=1))
    if relative.size:
        corners = ", ".join(f"{corner:g}" for corner in boxes[relative[0]])
        raise UserError(
            f"the box {corners} of {source.samples['image'].iloc[relative[0]]!r} lies within 0 and 1, as shares of the "
            "image's size do",
            where=source.where(int(relative[0])),
            remedy="give pixels: multiply x_min and x_max by the image's width, y_min and y_max by its height",
        )


def _refuse_empty_crops(source: ImageFolder, cuts: Cuts) -> None:
    if cuts.empty.size:
        raise UserError(
            f"the box of {source.samples['image'].iloc[cuts.empty[0]]!r} leaves no pixel to crop",
            where=source.where(int(cuts.empty[0])),
            remedy="give a larger box, or raise `dataset.crop_margin`",
        )


def _splits(source: ImageFolder, settings: DatasetSettings, both_sides: bool) -> tuple[NDArray[np.str_], bool]:
    """Take the split that is given, or make one; tell which."""
    given = source.samples["split"].to_numpy(dtype=np.str_)
    if given[0]:
        check_sides(given, source.root, both_sides=both_sides)
        return given, False
    images, subjects = source.samples["image"].tolist(), source.samples["subject"].tolist()
    try:
        return make_split(images, subjects, settings.test_fraction, settings.split_seed), True
    except UserError as error:
        raise UserError(error.what, where=source.root, remedy=error.remedy) from error


def _cut(row: tuple[Path, NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.uint8]:
    path, window, size = row
    return cut_window(read_image(path), window, size)


def _corners(samples: pd.DataFrame, kind: str) -> NDArray[np.int64]:
    return samples[[f"{kind}_{corner}" for corner in CORNERS]].to_numpy(dtype=np.int64)


def _stored_size(samples: pd.DataFrame) -> NDArray[np.int64]:
    return samples[list(STORED_COLUMNS)].to_numpy(dtype=np.int64)
