"""What a run of `landmarks predict` says of itself, and how its folder of results is known again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from landmark_discovery.errors import UserError
from landmark_discovery.files import holds_json, write_json

SUMMARY = "summary.json"
_MADE_BY = "landmarks predict"


@dataclass(frozen=True)
class Summary:
    """Count what a run looked at and found.

    Attributes:
        images: single ones with results.
        frames: of videos.
        objects: in both.
        empty_images: images and frames for which the boxes have no object.
        videos: name, fps, frames, frames_announced and breaks_off of each.
        left_out: where and reason of each image, video or box that couldn't be used.
        other_files: in the folders, neither image nor video.
        seconds: that it all took.
    """

    images: int
    frames: int
    objects: int
    empty_images: int
    videos: list[dict[str, Any]]
    left_out: list[dict[str, str]]
    other_files: int
    seconds: float

    def __str__(self) -> str:
        """Say it in one line."""
        videos = f"{counted(self.frames, 'frame')} of {counted(len(self.videos), 'video')}, " if self.videos else ""
        empty = f" ({self.empty_images} images without any)" if self.empty_images else ""
        bad = f", {len(self.left_out)} left out" if self.left_out else ""
        rate = (self.images + self.frames) / max(self.seconds, 1e-9)
        objects = f"{counted(self.objects, 'object')}{empty}{bad}"
        return f"{counted(self.images, 'image')}, {videos}{objects}, {self.seconds:.1f} s, {rate:.1f} images/s"


@dataclass(frozen=True)
class BadInputs:
    """Take what is wrong with inputs: raise it or, where they are skipped, say and note it.

    Attributes:
        skip: leave bad inputs out.
        left_out: where and reason of each; grows.
    """

    skip: bool
    left_out: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, fault: UserError) -> None:
        """Take one fault."""
        if not self.skip:
            raise fault
        self.left_out.append({"where": fault.where or "", "reason": fault.what})
        say(f"left out: {fault.where}: {fault.what}")


def write_summary(folder: Path, summary: Summary, origin: Mapping[str, Any]) -> None:
    """Write what lasts of a summary into a folder of results, with where they come from; time isn't part of it."""
    lasting = {name: value for name, value in vars(summary).items() if name != "seconds"}
    write_json(folder / SUMMARY, {"made_by": _MADE_BY, **origin, **lasting})


def has_summary(folder: Path) -> bool:
    """Say whether a folder holds results of this program."""
    return holds_json(folder, SUMMARY, "made_by", _MADE_BY)


def counted(number: int, unit: str) -> str:
    """Write a number with its unit, in the plural where it is one."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def say(line: str) -> None:
    """Write a line on stderr, above the bars of progress."""
    tqdm.write(line, file=sys.stderr)
