"""The trained landmark detector as a Python object."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.data.images import quiet_decoder
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.geometry import crop_to_image
from landmark_discovery.inference.arguments import Image, shots_of
from landmark_discovery.inference.package import Model, load_model
from landmark_discovery.inference.shots import Cut, CutShot, Shot, array_size, cut_shot, stack_cuts
from landmark_discovery.streaming import batched, cpu_count, in_parallel, one_ahead
from landmark_discovery.threads import CPU_THREADS
from landmark_discovery.training.acceleration import network_on
from landmark_discovery.training.keypoints import CELL_PX
from landmark_discovery.training.prediction import BATCH, predict_stage2
from landmark_discovery.training.runtime import accelerated, arithmetic, choose_device
from landmark_discovery.training.workers import workers_on

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "tf32", "bfloat16")
# Of the arrays that go through the network at once, unless the pipeline's own are larger: 0.4 GB as float32.
_BATCH_PIXELS = 2**25
# Of images that wait as pixels, such as frames of a video.
_HELD_BYTES = 2**29

FaultHandler = Callable[[UserError], None]


@dataclass(frozen=True)
class FoundObject:
    """Hold the landmarks of one object.

    Attributes:
        image: name of its image.
        box: x_min, y_min, x_max, y_max in pixels of the image, (4,); the whole image where none was given.
        landmarks: (K, 2), x and y in pixels of the image as it is seen; whole numbers are pixel centres.
        scores: (K,), height of each heatmap where its landmark stands; higher is surer.
    """

    image: str
    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class DetectedShot:
    """Hold an image, its width and height in pixels, and the objects found in it, in the order of their boxes."""

    shot: Shot
    size: tuple[int, int]
    objects: list[FoundObject]


class LandmarkDetector:
    """Find landmarks in images with a trained model.

    Args:
        weights: model file (model.safetensors).
        device: "auto" (a GPU where there is one), "cpu" or "cuda".
        precision: of the network on a GPU, "float32", "tf32" or "bfloat16"; a CPU always uses float32.
        batch_size: objects that go through the network at once, 1 to 64. With 64, images of the data set in its order
            get the pipeline's own figures to the last bit on a CPU.
        cpu_threads: that share the objects on a CPU; the figures don't depend on it.

    Raises:
        UserError: a file that isn't a model, an unknown device or precision, a number out of range, or a GPU is asked
            for and none is there.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        device: str = "auto",
        precision: str = "float32",
        batch_size: int = BATCH,
        cpu_threads: int = CPU_THREADS,
    ) -> None:
        for name, value, valid in (("device", device, DEVICES), ("precision", precision, PRECISIONS)):
            if value not in valid:
                raise UserError(f"{name} is {value!r}", remedy=nearest_name(str(value), valid))
        if not isinstance(batch_size, int) or not 1 <= batch_size <= BATCH:
            raise UserError(f"batch_size is {batch_size!r}", remedy=f"give 1 to {BATCH}")
        if not isinstance(cpu_threads, int) or cpu_threads < 1:
            raise UserError(f"cpu_threads is {cpu_threads!r}", remedy="give 1 or more")
        self.weights, self.model = Path(weights), load_model(weights)
        self.device = choose_device(device)
        self.precision, self.batch_size = precision, batch_size
        self._workers = workers_on(self.device, cpu_threads)
        self._network = network_on(self.device, self.model.weights, fast=True)

    def predict(self, images: Sequence[Image], boxes: Sequence[ArrayLike | None] | None = None) -> list[FoundObject]:
        """Find the landmarks of the objects in images.

        Args:
            images: files, or arrays (H, W, 3) of uint8 RGB.
            boxes: for each image the box of its object, (4,), or of several, (M, 4): x_min, y_min, x_max, y_max in
                pixels of the image; None: the whole image is the object.

        Returns:
            One entry an object, image by image and box by box.

        Raises:
            UserError: an image that can't be read, an array of another kind, or a box without area or outside its
                image.
        """
        shots = shots_of(images, boxes)
        with quiet_decoder():
            return [found for shot in self.detect(shots, _raise) for found in shot.objects]

    def detect(self, shots: Iterable[Shot], on_fault: FaultHandler) -> Generator[DetectedShot, None, None]:
        """Find the landmarks of images one after another, in bounded memory; the next ones are read meanwhile.

        Args:
            shots: the images.
            on_fault: called with what is wrong with an image, which is then left out; it may raise.
        """
        cut = partial(_cut_or_fault, model=self.model)
        sound = _without_faults(in_parallel(cut, shots, cpu_count()), on_fault)
        for group in one_ahead(batched(sound, self._fit_together)):
            found = iter(self._find(list(_cuts_of(group))))
            for shot in group:
                yield DetectedShot(shot.shot, shot.size, list(islice(found, len(shot.cuts))))

    def _find(self, cuts: Sequence[tuple[str, Cut]]) -> list[FoundObject]:
        with arithmetic(self.precision, self.device):
            return list(chain.from_iterable(self._find_at_once(batch) for batch in batched(cuts, self._fit)))

    def _find_at_once(self, named_cuts: Sequence[tuple[str, Cut]]) -> Iterator[FoundObject]:
        names, cuts = zip(*named_cuts, strict=True)
        model, convention = self.model, self.model.weights.convention
        points, scores = predict_stage2(
            self._network,
            model.flip_map,
            stack_cuts(cuts, model.frame_px, self.device, accelerated(True, self.device), self._workers),
            np.arange(len(cuts)),
            model.decoding,
            size_px=model.size_px,
            precision=self.precision,
            convention=convention,
            prior=model.prior,
        )
        crops = np.stack([cut.crop for cut in cuts])
        on_image = crop_to_image(convention.to_centres(points), crops, model.size_px / CELL_PX)
        landmarks, boxes = convention.from_centres(on_image), (cut.box for cut in cuts)
        return map(FoundObject, names, boxes, landmarks, scores.astype(np.float64))

    def _fit(self, cuts: Sequence[tuple[str, Cut]]) -> bool:
        """Tell whether objects may go through the network at once."""
        if not cuts:
            return True
        frame = self.model.frame_px
        width, height = array_size([cut for _, cut in cuts], frame)
        limit = max(_BATCH_PIXELS, self.batch_size * frame[0] * frame[1])
        return len(cuts) <= self.batch_size and len(cuts) * width * height <= limit

    def _fit_together(self, shots: Sequence[CutShot]) -> bool:
        held = sum(shot.shot.held_bytes for shot in shots)
        return len(shots) <= self.batch_size and held <= _HELD_BYTES and self._fit(list(_cuts_of(shots)))


def _raise(fault: UserError) -> None:
    raise fault


def _cut_or_fault(shot: Shot, model: Model) -> CutShot | UserError:
    try:
        return cut_shot(shot, model.rule, model.frame_px)
    except UserError as fault:
        return fault


def _without_faults(shots: Iterable[CutShot | UserError], on_fault: FaultHandler) -> Iterator[CutShot]:
    for shot in shots:
        if isinstance(shot, UserError):
            on_fault(shot)
        else:
            yield shot


def _cuts_of(shots: Iterable[CutShot]) -> Iterator[tuple[str, Cut]]:
    return ((shot.shot.name, cut) for shot in shots for cut in shot.cuts)
