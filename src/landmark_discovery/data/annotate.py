"""True points for a prepared store: another store with the same images, which share their place on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from landmark_discovery.config.point_tables import LANDMARKS
from landmark_discovery.data.digest_list import read_digests, write_digests
from landmark_discovery.data.folder import read_points
from landmark_discovery.data.remarks import remark_far_points
from landmark_discovery.data.store import ImageStore, is_store, point_facts, read_store, write_points_and_facts
from landmark_discovery.files import atomic_folder

# What both stores have alike.
SHARED = ("images.npy", "samples.csv")


def annotate_store(source: str | Path, folder: str | Path, output: str | Path) -> ImageStore:
    """Write a store with the images of another and the true points of the folder that they were cut from.

    It is, to the byte, what `prepare_store` writes from the folder with its points.

    Args:
        source: the store without points.
        folder: has landmarks.csv and tables like it, where there are any.
        output: folder of the new store.

    Raises:
        UserError: `source` isn't a store, a faulty table, or `output` can't be written or isn't a store.
    """
    store = read_store(source)
    tables = read_points(Path(folder), Path(folder), store.samples["image"].tolist())
    remark_far_points(store.names.tolist(), tables, store.samples[["width", "height"]].to_numpy(dtype=np.int64))
    known = read_digests(Path(source)) or {}
    with atomic_folder(output, is_store) as temporary:
        for name in SHARED:
            _share(Path(source) / name, temporary / name)
        write_points_and_facts(temporary, store.names, tables, store.facts | point_facts(tables.get(LANDMARKS)))
        write_digests(temporary, {name: known[name] for name in SHARED if name in known})
    return read_store(output)


def _share(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        # Not every file system has links.
        shutil.copyfile(source, target)
