"""Frames out of videos, and labelled frames into them."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.writable import REMEDY

# Where a file doesn't say.
_USUAL_FPS = 25.0
# Some formats know the number of their frames only by the duration: a few less are no sign of a fault.
_MISSING_SHARE, _MISSING_FRAMES = 0.01, 2
_REMEDY = "replace or remove the file, or leave it out (on the command line: `--on-bad-image skip`)"


@dataclass(frozen=True)
class VideoFacts:
    """Describe a video.

    Attributes:
        fps: frames a second.
        frames: as the file says, or its duration; None where it says nothing.
    """

    fps: float
    frames: int | None

    def breaks_off_after(self, frames: int) -> bool:
        """Tell whether a video ended too early."""
        return self.frames is not None and self.frames - frames > max(_MISSING_FRAMES, _MISSING_SHARE * self.frames)


def measure_video(path: Path) -> VideoFacts:
    """Open a video and decode its first frame.

    Raises:
        UserError: not a video, a broken one, or one without frames.
    """
    with _opened(path) as capture:
        fps, frames = float(capture.get(cv2.CAP_PROP_FPS)), float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if not capture.read()[0]:
            raise UserError("a video without a frame that can be read", where=path, remedy=_REMEDY)
    usable = math.isfinite(fps) and 0 < fps <= 1000
    return VideoFacts(fps if usable else _USUAL_FPS, int(frames) if math.isfinite(frames) and frames > 0 else None)


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video up to its end, or to where it breaks off: (H, W, 3) RGB, turned as they are seen.

    Raises:
        UserError: not a video, or a broken one.
    """
    with _opened(path) as capture:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)


class VideoFile:
    """Write an MP4 frame by frame, whole or not at all; without frames there is no file.

    MPEG-4 holds even numbers of pixels alone: of an odd width or height the last column or row is lost.

    Args:
        path: the file.
        fps: frames a second; above 65 rounded to a hundredth, above 655 to a tenth.
    """

    def __init__(self, path: Path, fps: float) -> None:
        # A name that any library takes.
        self._path, self._temporary = path, path.with_name(f".{secrets.token_hex(8)}.mp4")
        self._fps = _encodable_fps(fps)
        self._writer: cv2.VideoWriter | None = None
        self._frames = 0

    def __enter__(self) -> VideoFile:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the file and give it its name.

        Raises:
            UserError: fewer frames arrived in it than were given: OpenCV says nothing of a full disk.
        """
        if self._writer is None:
            return
        self._writer.release()
        try:
            if kind is None and _frame_count(self._temporary) != self._frames:
                raise UserError("the labelled video can't be written whole", where=self._path, remedy=REMEDY)
            if kind is None:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame (H, W, 3) RGB; all have the size of the first.

        Raises:
            UserError: the file can't be begun.
        """
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._begin(frame.shape[1], frame.shape[0])
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        self._frames += 1

    def _begin(self, width: int, height: int) -> cv2.VideoWriter:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._temporary.absolute()), cv2.CAP_FFMPEG, code, self._fps, (width, height))
        if not writer.isOpened():
            raise UserError(
                "the labelled video can't be begun", where=self._path, remedy=f"{REMEDY}, or give `--no-overlays`"
            )
        return writer


def _encodable_fps(fps: float) -> float:
    """Round a rate that MPEG-4 can't hold to the thousandth: as a fraction no part of it may exceed 65535."""
    if fps <= 65:
        return fps
    return round(fps, 2 if fps <= 655 else 1)


def _frame_count(path: Path) -> int:
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        # A pipe would be waited for.
        raise UserError("not a file", where=path, remedy=_REMEDY)
    # Absolute, since "a:b.mp4" would be of the protocol a; of FFmpeg alone, since others take % for numbered images.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise UserError("not a video that can be read, or a broken one", where=path, remedy=_REMEDY)
        yield capture
    finally:
        capture.release()
