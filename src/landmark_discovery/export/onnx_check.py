"""How far an ONNX file is from the pipeline's own predictions, measured on the test images of a data set."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.export.onnx_graph import INPUTS, OUTPUTS, OnnxModel
from landmark_discovery.files import finite_number, write_json
from landmark_discovery.geometry import crop_to_image
from landmark_discovery.inference.dataset import stage2_landmarks
from landmark_discovery.inference.package import Model
from landmark_discovery.threads import CPU_THREADS

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

LIMIT_PX = 0.1
SPLIT = "test"
BATCH = 16
NAMED = 20

Found = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class OnnxCheck:
    """Hold how two predictions of the same N images differ.

    Attributes:
        names: of the images, (N,).
        difference_px: distance of the two places of each landmark, in original pixels, (N, K).
        score_difference: absolute, (N, K).
    """

    names: NDArray[np.str_]
    difference_px: NDArray[np.float64]
    score_difference: NDArray[np.float64]

    @property
    def within_limit(self) -> bool:
        """Say whether no landmark differs by more than LIMIT_PX; one without a finite place or score counts as more."""
        return not self._beyond.any()

    @property
    def not_finite(self) -> int:
        """Count the landmarks whose places or scores differ by no finite number."""
        return int((~self._finite).sum())

    @property
    def _finite(self) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.difference_px) & np.isfinite(self.score_difference))

    @property
    def _beyond(self) -> NDArray[np.bool_]:
        return np.asarray(~(self.difference_px <= LIMIT_PX) | ~self._finite)

    def facts(self) -> dict[str, Any]:
        """Give the figures, JSON-ready, with the landmarks that differ most beyond the limit by image and number.

        What is no finite number is None, and the landmarks of which it comes are named first.
        """
        farness = np.where(self._finite, self.difference_px, np.inf)
        beyond = np.argwhere(self._beyond)
        order = np.argsort(-farness[beyond[:, 0], beyond[:, 1]], kind="stable")
        named = [
            {"image": str(self.names[n]), "landmark": int(k), "difference_px": finite_number(self.difference_px[n, k])}
            for n, k in beyond[order][:NAMED]
        ]
        return {
            "images": len(self.names),
            "landmarks": self.difference_px.size,
            "largest_difference_px": finite_number(self.difference_px.max()),
            "mean_difference_px": finite_number(self.difference_px.mean()),
            "largest_score_difference": finite_number(self.score_difference.max()),
            "mean_score_difference": finite_number(self.score_difference.mean()),
            "limit_px": LIMIT_PX,
            "beyond_limit": len(beyond),
            "not_finite": self.not_finite,
            "farthest_beyond_limit": named,
        }

    def __str__(self) -> str:
        """Say the figures in one line."""
        if self.not_finite:
            return (
                f"{len(self.names)} images: {self.not_finite} of {self.difference_px.size} landmarks have no finite "
                "place or score in ONNX or PyTorch"
            )
        return (
            f"{len(self.names)} images: ONNX and PyTorch differ by at most {self.difference_px.max():.2g} px "
            f"(mean {self.difference_px.mean():.2g} px; scores by at most {self.score_difference.max():.2g})"
        )


def check_onnx(exported: OnnxModel, model: Model, store: ImageStore) -> OnnxCheck:
    """Compare an ONNX file in onnxruntime with the pipeline's own predictions, on a CPU.

    Args:
        exported: the ONNX file.
        model: what it was made of.
        store: a prepared data set; its test images count.

    Raises:
        UserError: the store has no test images, or the file isn't of the model or can't be run.
    """
    if exported.num_landmarks != model.num_landmarks:
        raise UserError(
            f"it has {exported.num_landmarks} landmarks, the model {model.num_landmarks}",
            where="the ONNX file",
            remedy="export this model anew",
        )
    indices = store.indices(SPLIT)
    if not len(indices):
        raise UserError(f"no {SPLIT} images to compare on", where="the data set", remedy="prepare one that has some")
    ours, scores = pytorch_landmarks(model, store, indices)
    theirs, their_scores = onnx_landmarks(exported, store, indices)
    return OnnxCheck(store.names[indices], np.linalg.norm(theirs - ours, axis=-1), np.abs(their_scores - scores))


def pytorch_landmarks(model: Model, store: ImageStore, indices: NDArray[np.int64]) -> Found:
    """Give landmarks (N, K, 2) in original pixels and scores (N, K), as `evaluation.predict` does on a CPU."""
    # A copy, since the one that predicts is laid out as is fast there.
    weights = replace(model.weights, network=deepcopy(model.weights.network))
    return stage2_landmarks(
        weights,
        store,
        indices,
        model.decoding,
        torch.device("cpu"),
        precision="float32",
        fast=False,
        cpu_threads=CPU_THREADS,
    )


def onnx_landmarks(exported: OnnxModel, store: ImageStore, indices: NDArray[np.int64]) -> Found:
    """Give landmarks (N, K, 2) in original pixels and scores (N, K), as onnxruntime finds them.

    Raises:
        UserError: onnxruntime can't run the file.
    """
    session = _session(exported)
    windows, sizes, crops = store.rectangle("window"), store.stored_size, store.crop_in_store()
    landmarks, scores = [], []
    for start in tqdm(range(0, len(indices), BATCH), desc="running ONNX", unit="batch", leave=False):
        batch = indices[start : start + BATCH]
        arrays = (store.images[batch], sizes[batch].astype(np.float32), crops[batch].astype(np.float32))
        points, score = session.run(OUTPUTS, dict(zip(INPUTS, arrays, strict=True)))
        landmarks.append(crop_to_image(points, windows[batch], sizes[batch][:, None]) + exported.offset_px)
        scores.append(np.asarray(score, dtype=np.float64))
    return np.concatenate(landmarks), np.concatenate(scores)


def _session(exported: OnnxModel) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CPU_THREADS
    # Errors alone: it warns of constants that it would rather have folded itself.
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(exported.content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own kinds
        raise UserError(
            f"onnxruntime can't run it ({error})", where="the ONNX file", remedy="export it anew"
        ) from error


def write_check(path: str | Path, check: OnnxCheck) -> None:
    """Write the figures of a comparison as JSON, whole or not at all."""
    write_json(path, check.facts())
