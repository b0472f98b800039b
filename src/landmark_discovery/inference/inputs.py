"""The images and videos that a user names: single files and whole folders, each with a name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from landmark_discovery.data.folder import visible_files
from landmark_discovery.data.images import SUFFIXES, is_image_name
from landmark_discovery.errors import UserError

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
_FRAME = re.compile(r"(?P<video>.+)#(?P<frame>[0-9]{6,12})", re.DOTALL)
_KINDS = f"images: {' '.join(SUFFIXES)}; videos: {' '.join(VIDEO_SUFFIXES)}"


@dataclass(frozen=True, slots=True)
class InputFile:
    """Name an image or video: by its path relative to the folder that was given, or by its base name."""

    name: str
    path: Path


@dataclass(frozen=True)
class Inputs:
    """List what is looked at.

    Attributes:
        images: in the order of the paths given, those of a folder sorted by name as in a data set.
        videos: likewise.
        others: number of files in the folders that are neither.
        first_other: the first of those; None where there are none.
    """

    images: list[InputFile]
    videos: list[InputFile]
    others: int
    first_other: Path | None

    def has(self, name: str) -> bool:
        """Tell whether an image, a video or a frame of one can have this name."""
        frame = frame_of(name)
        # A number with more zeros than results write belongs to no frame.
        is_frame = frame is not None and frame[0] in self._video_names and frame_name(*frame) == name
        return name in self._names or is_frame

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(file.name for file in (*self.images, *self.videos))

    @cached_property
    def _video_names(self) -> frozenset[str]:
        return frozenset(file.name for file in self.videos)


def find_inputs(paths: Sequence[Path], output: Path, *, overlays: bool = True) -> Inputs:
    """List the images and videos among files, and below folders.

    Hidden files and folders are skipped, and so are folders that are symbolic links, and what an earlier run left in
    the output folder.

    Args:
        paths: files and folders.
        output: folder of the results.
        overlays: videos will be labelled, and those need a name each too.

    Raises:
        UserError: no such file, a file that is neither image nor video by its name, two with one name, a name that
            isn't UTF-8, nothing to look at, or inputs that the results would take the place of.
    """
    _refuse_own_inputs(paths, output)
    found = [file for path in paths for file in _files_of(path, output)]
    images = [file for file in found if is_image_name(file.path)]
    videos = [file for file in found if is_video_name(file.path)]
    others = [file.path for file in found if not is_image_name(file.path) and not is_video_name(file.path)]
    if not images and not videos:
        raise UserError(
            "neither image nor video in it" if len(paths) == 1 else "neither image nor video in any of these folders",
            where=paths[0] if len(paths) == 1 else None,
            remedy=f"give {_KINDS}",
        )
    _refuse_twins([*images, *videos])
    if overlays:
        _refuse_twin_overlays(videos)
    return Inputs(images, videos, len(others), others[0] if others else None)


def frame_name(video: str, frame: int) -> str:
    """Name a frame of a video in the results and in files of boxes, such as "clip.mp4#000012"; 0 is the first."""
    return f"{video}#{frame:06d}"


def frame_of(name: str) -> tuple[str, int] | None:
    """Read the name of a frame as video and number; None where it isn't one."""
    match = _FRAME.fullmatch(name)
    return (match["video"], int(match["frame"])) if match else None


def overlay_name(video: str) -> str:
    """Name a labelled video: always an MP4, so that another kind of file gets a second ending."""
    return video if video.lower().endswith(".mp4") else f"{video}.mp4"


def is_video_name(path: str | Path) -> bool:
    """Tell whether a file name ends like a video's (`VIDEO_SUFFIXES`, in either case)."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def _files_of(path: Path, output: Path) -> list[InputFile]:
    if path.is_dir():
        names = sorted(visible_files(path, lambda folder: not _same(folder, output)))
        return [InputFile(name, path / name) for name in names]
    if not path.exists():
        raise UserError("no such file or folder", where=path)
    if not path.is_file():
        raise UserError("not a file but a pipe or device", where=path)
    if not is_image_name(path) and not is_video_name(path):
        raise UserError("neither image nor video by its name", where=path, remedy=f"valid {_KINDS}")
    return [InputFile(path.name, path)]


def _same(folder: Path, output: Path) -> bool:
    return output.exists() and folder.samefile(output)


def _refuse_own_inputs(paths: Iterable[Path], output: Path) -> None:
    target = output.resolve()
    for path in paths:
        place = path.resolve()
        if place == target or target in place.parents:
            raise UserError(
                f"the results would take the place of {path}", where=output, remedy="write into another folder"
            )


def _refuse_twins(files: Iterable[InputFile]) -> None:
    first: dict[str, Path] = {}
    for file in files:
        try:
            file.name.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"the name {file.name!r} isn't UTF-8", remedy="rename the file") from error
        if file.name in first:
            raise UserError(
                f"two inputs are called {file.name!r}: {first[file.name]} and {file.path}",
                remedy="give the folder that holds both, or each in a run of its own",
            )
        first[file.name] = file.path


def _refuse_twin_overlays(videos: Iterable[InputFile]) -> None:
    first: dict[str, Path] = {}
    for file in videos:
        name = overlay_name(file.name)
        if name in first:
            raise UserError(
                f"the labelled videos of {first[name]} and {file.path} would both be called {name!r}",
                remedy="rename one, give each in a run of its own, or give `--no-overlays`",
            )
        first[name] = file.path
