"""Batches of stored images, ready on the device before the step that trains on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor

from landmark_discovery.training.images import StoredImages

# Batches that are read ahead of the step when the images don't fit on the device.
READ_AHEAD = 4


@dataclass(frozen=True)
class RawBatch:
    """Hold the images that a step trains on, before any change.

    Attributes:
        rows: rows of the table of keypoints or targets, int64 (V,).
        pixels: uint8 (V, H, W, 3).
    """

    rows: Tensor
    pixels: Tensor


def feed(images: StoredImages, image_of_row: Tensor, batches: Iterable[Tensor]) -> Iterator[RawBatch]:
    """Read batches of images onto the device, ahead of their use where the images don't lie there already.

    Args:
        images: the stored images.
        image_of_row: position in the store of the image of each row, int64 (N,), on the host.
        batches: rows of each batch, int64 (V,), on the host.
    """
    if images.resident:
        yield from (_on_device(images, rows, images.read(image_of_row[rows])) for rows in batches)
        return
    waiting: deque[tuple[Tensor, Future[Tensor]]] = deque()
    with ThreadPoolExecutor(READ_AHEAD) as readers:
        for rows in batches:
            waiting.append((rows, readers.submit(images.read_host, image_of_row[rows])))
            if len(waiting) == READ_AHEAD:
                yield _received(images, *waiting.popleft())
        while waiting:
            yield _received(images, *waiting.popleft())


def _received(images: StoredImages, rows: Tensor, pixels: Future[Tensor]) -> RawBatch:
    return _on_device(images, rows, pixels.result().to(images.device, non_blocking=True))


def _on_device(images: StoredImages, rows: Tensor, pixels: Tensor) -> RawBatch:
    if images.device.type == "cuda":
        rows = rows.pin_memory().to(images.device, non_blocking=True)
    return RawBatch(rows, pixels)
