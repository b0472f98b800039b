"""From images, folders and videos to a folder of results: what `landmarks predict` does."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery import __version__
from landmark_discovery.data.images import quiet_decoder
from landmark_discovery.data.progress import with_progress
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder
from landmark_discovery.inference.boxes import GivenBoxes, read_boxes
from landmark_discovery.inference.detector import DetectedShot, LandmarkDetector
from landmark_discovery.inference.inputs import InputFile, Inputs, find_inputs, frame_name
from landmark_discovery.inference.overlays import draw_objects, overlay_of_video, write_overlay
from landmark_discovery.inference.padding import PaddingWatch
from landmark_discovery.inference.results import ResultFiles
from landmark_discovery.inference.shots import WHOLE_IMAGE, Box, Shot, plan_shot
from landmark_discovery.inference.summary import (
    BadInputs,
    Summary,
    counted,
    has_summary,
    say,
    write_summary,
)
from landmark_discovery.inference.videos import VideoFacts, VideoFile, measure_video, read_frames
from landmark_discovery.streaming import cpu_count, in_parallel
from landmark_discovery.writable import check_writable, refuse_foreign_folder

OVERLAYS = "overlays"


def predict_files(
    detector: LandmarkDetector,
    paths: Sequence[Path],
    output: Path,
    *,
    boxes: Path | None = None,
    overlays: bool = True,
    skip_bad: bool = False,
) -> Summary:
    """Find the landmarks in images and videos, and write them as a folder, whole or not at all.

    In it are landmarks.csv, coco_keypoints.json, summary.json and, where asked for, overlays/ with each image and video
    labelled. Memory doesn't grow with their number, but for their names.

    Args:
        detector: the trained one.
        paths: images, videos, and folders of both.
        output: the folder, or a link to it; an earlier result of this function is replaced.
        boxes: file of the objects' boxes; None: each image is one object.
        overlays: draw the landmarks.
        skip_bad: name and leave out what can't be used, instead of stopping.

    Raises:
        UserError: inputs or boxes that can't be used, or a folder that can't be written or holds something else.
    """
    start = time.perf_counter()
    check_writable(output, folder=True)
    refuse_foreign_folder(output, has_summary)
    target = _place_of(output)
    inputs = find_inputs(paths, output, overlays=overlays)
    given = None if boxes is None else read_boxes(boxes)
    if given is not None:
        given.check_names(inputs.has)
    if inputs.others:
        say(f"passed over: {counted(inputs.others, 'file')}, neither image nor video, {inputs.first_other} first")
    with quiet_decoder():
        run = _Run(detector, given, overlays, BadInputs(skip_bad), PaddingWatch(detector.model.rule))
        summary = run.write(inputs, target)
    if run.padding.warning is not None:
        say(run.padding.warning)
    return replace(summary, seconds=time.perf_counter() - start)


@dataclass(frozen=True)
class _Run:
    """Hold what all images of a run have in common."""

    detector: LandmarkDetector
    boxes: GivenBoxes | None
    overlays: bool
    bad: BadInputs
    padding: PaddingWatch

    def write(self, inputs: Inputs, output: Path) -> Summary:
        origin = _origin(self.detector)
        videos = self._checked(inputs)
        with atomic_folder(output, has_summary) as folder:
            overlays = folder / OVERLAYS
            with ResultFiles(folder, self.detector.model.num_landmarks, origin) as results:
                self._predict_images(inputs.images, results, overlays)
                images = results.images
                described = [self._predict_video(*video, results, overlays) for video in videos]
            if results.images == 0:
                raise self._nothing_left(inputs)
            counts = (images, results.images - images, results.objects, results.empty_images)
            summary = Summary(*counts, described, self.bad.left_out, inputs.others, seconds=0)
            write_summary(folder, summary, origin)
        return summary

    def _checked(self, inputs: Inputs) -> list[tuple[InputFile, VideoFacts]]:
        """Open all videos and, where the first fault ends the run, look at all images before the work begins."""
        videos = []
        for file in inputs.videos:
            try:
                videos.append((file, measure_video(file.path)))
            except UserError as fault:
                self.bad(fault)
        if not self.bad.skip and inputs.images:
            check = partial(_check_image, self.detector)
            with closing(in_parallel(check, self._shots(inputs.images), cpu_count())) as checked:
                for _ in with_progress(checked, len(inputs.images), "checking images"):
                    pass
        return videos

    def _predict_images(self, images: Sequence[InputFile], results: ResultFiles, overlays: Path) -> None:
        if not images:
            return
        detected = self.detector.detect(self._shots(images), self.bad)
        if self.overlays:
            detected = in_parallel(partial(write_overlay, folder=overlays), detected, cpu_count())
        # Closed before the folder goes: threads may be writing into it.
        with closing(detected):
            for shot in with_progress(detected, len(images), "predicting"):
                results.add(shot)
                self.padding.look_at(shot.objects, shot.size)

    def _predict_video(
        self, file: InputFile, facts: VideoFacts, results: ResultFiles, overlays: Path
    ) -> dict[str, Any]:
        """Predict a video frame by frame; one that breaks off is kept up to there, and it is said."""
        label = partial(_labelled, draw=self.overlays)
        drawn = in_parallel(label, self.detector.detect(self._frames(file), self.bad), cpu_count())
        frames = 0
        with VideoFile(overlay_of_video(overlays, file.name), facts.fps) as labelled, closing(drawn):
            for shot, picture in with_progress(drawn, facts.frames or 0, file.name, unit="frame"):
                results.add(shot, video=file.name, frame=frames)
                self.padding.look_at(shot.objects, shot.size)
                frames += 1
                if picture is not None:
                    labelled.add(picture)
        self._warn(file, facts, frames)
        described = {"name": file.name, "fps": facts.fps, "frames": frames}
        return {**described, "frames_announced": facts.frames, "breaks_off": facts.breaks_off_after(frames)}

    def _warn(self, file: InputFile, facts: VideoFacts, frames: int) -> None:
        if facts.breaks_off_after(frames):
            say(f"warning: {file.path}: breaks off: {frames} of {facts.frames} frames can be read")
        last = -1 if self.boxes is None else self.boxes.last_frame.get(file.name, -1)
        if last >= frames:
            say(f"warning: {file.path}: there are boxes up to frame {last}, and frames up to {frames - 1}")

    def _shots(self, images: Sequence[InputFile]) -> Iterator[Shot]:
        return (Shot(file.name, file.path, self._boxes_of(file.name)) for file in images)

    def _frames(self, file: InputFile) -> Iterator[Shot]:
        for number, pixels in enumerate(read_frames(file.path)):
            name = frame_name(file.name, number)
            yield self._with_sound_boxes(Shot(name, pixels, self._boxes_of(name, file.name)))

    def _with_sound_boxes(self, shot: Shot) -> Shot:
        """Keep a frame whose boxes can't be used, without them: a labelled video has all frames."""
        sound = []
        for box in shot.boxes:
            try:
                plan_shot(replace(shot, boxes=(box,)), shot.measure(), self.detector.model.rule)
                sound.append(box)
            except UserError as fault:
                self.bad(fault)
        return replace(shot, boxes=tuple(sound))

    def _boxes_of(self, *names: str) -> tuple[Box, ...]:
        return (WHOLE_IMAGE,) if self.boxes is None else self.boxes.of(*names)

    def _nothing_left(self, inputs: Inputs) -> UserError:
        first = self.bad.left_out[0]
        return UserError(
            f"none of the {counted(len(inputs.images) + len(inputs.videos), 'input')} can be used",
            remedy=f"the first: {first['where']}: {first['reason']}",
        )


def _place_of(output: Path) -> Path:
    """Follow links, since a folder takes the place of its name, and refuse the folder that the user stands in."""
    try:
        target = output.resolve()
    except RuntimeError as error:
        raise UserError("a link that leads back to itself", where=output, remedy="choose a new folder") from error
    here = Path.cwd()
    if target in (here, *here.parents):
        raise UserError(
            "the results would take the place of the folder you work in",
            where=output,
            remedy="name a new folder, such as `--output results`",
        )
    # Otherwise errors name the folder as the user did.
    return target if output.is_symlink() or output.name == ".." else output


def _origin(detector: LandmarkDetector) -> dict[str, Any]:
    """Say which model, under which licences, made the results."""
    with detector.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    model = {"weights": detector.weights.name, "weights_sha256": digest}
    return {"version": __version__, **model, "licences": list(detector.model.about.get("licences", []))}


def _check_image(detector: LandmarkDetector, shot: Shot) -> None:
    plan_shot(shot, shot.measure(), detector.model.rule)


def _labelled(detected: DetectedShot, draw: bool) -> tuple[DetectedShot, NDArray[np.uint8] | None]:
    return detected, draw_objects(detected.shot.read(), detected.objects) if draw else None
