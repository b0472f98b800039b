"""The model file: weights of stage 2 together with all that using them on other images needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.data.cutting import CutRule
from landmark_discovery.data.store import ImageStore
from landmark_discovery.downloads.licences import find_licence
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import CONVENTIONS
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.inference.dataset import stage2_settings
from landmark_discovery.training.weights import TrainedWeights, load_weights, require_landmarks

STAGE = 2
_USE = "use"


@dataclass(frozen=True)
class Model:
    """Hold a trained landmark detector with what using it needs.

    Attributes:
        weights: of stage 2.
        rule: how boxes become crops.
        frame_px: width and height of the arrays that stored the images of the data set. Images are laid into arrays of
            at least this size, so that rounding, and with it every figure, is that of the pipeline's own predictions.
        decoding: subpixel, average_turned_views and shape_prior count.
        about: where the weights come from: `data` (name, kind and numbers of images) and `licences`; JSON-ready.
    """

    weights: TrainedWeights
    rule: CutRule
    frame_px: tuple[int, int]
    decoding: Stage2Settings
    about: Mapping[str, Any]

    @property
    def num_landmarks(self) -> int:
        """Count the landmarks."""
        return int(self.weights.facts["num_landmarks"])

    @property
    def size_px(self) -> int:
        """Give width and height of the network's input."""
        return self.weights.model.input_size_px

    @property
    def prior(self) -> ShapePrior | None:
        """Give the shape of the landmarks, where heatmaps are read with it."""
        return self.weights.shape_prior() if self.decoding.shape_prior else None

    @property
    def flip_map(self) -> NDArray[np.int64]:
        """Give for each landmark the one that it becomes in a mirrored image, (K,); -1: none."""
        return np.asarray(self.weights.extras["flip_map"].numpy(), dtype=np.int64)


def package_model(
    weights: Path, stores: Sequence[ImageStore], config: Config, licences: Sequence[str]
) -> TrainedWeights:
    """Add to weights of stage 2 how images are cut and maps are read, so that one file is enough.

    Args:
        weights: of stage 2.
        stores: the prepared data set, or of two the one that trained and the one that predictions are measured on.
        config: keys of the step `package-model`.
        licences: keys of those that the data or the bootstrap weights stand under.

    Raises:
        UserError: weights that are missing, of another stage or incomplete, or a licence that there isn't.
    """
    known = [find_licence(key, "--licence").key for key in licences]
    trained = load_weights(weights, STAGE, CONVENTIONS.values())
    decoding = stage2_settings(config, trained.convention)
    require_landmarks(weights, trained, shape=decoding.shape_prior)
    use = {
        "cut": vars(CutRule.of(config.dataset)),
        "frame_px": [stores[-1].images.shape[2], stores[-1].images.shape[1]],
        "decoding": {name: getattr(decoding, name) for name in ("subpixel", "average_turned_views", "shape_prior")},
        "about": {"data": _data_facts(stores, trained), "licences": known},
    }
    return replace(trained, facts={**trained.facts, _USE: use})


def _data_facts(stores: Sequence[ImageStore], trained: TrainedWeights) -> dict[str, Any]:
    """Name the data set; what the authors' own weights learnt from lies in no store."""
    train_images = None if is_converted(trained) else len(stores[0].indices("train"))
    facts = stores[-1].facts
    counts = {"train_images": train_images, "test_images": len(stores[-1].indices("test"))}
    return {"name": facts.get("name"), "kind": facts.get("kind"), **counts}


def is_converted(weights: TrainedWeights) -> bool:
    """Tell whether weights were converted from a file of the method's authors."""
    return "source" in weights.facts


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises:
        UserError: no such file, not one of ours, weights of stage 1, or weights that aren't packaged.
    """
    trained = load_weights(path, STAGE, CONVENTIONS.values())
    if _USE not in trained.facts:
        raise UserError(
            "weights alone, which don't say how images are cut",
            where=path,
            remedy="give model.safetensors of the same experiment (results/EXPERIMENT/model/)",
        )
    try:
        use = trained.facts[_USE]
        width, height = (int(number) for number in use["frame_px"])
        decoding = Stage2Settings(**use["decoding"])
        require_landmarks(Path(path), trained, shape=decoding.shape_prior)
        return Model(trained, CutRule.from_facts(use["cut"]), (width, height), decoding, dict(use["about"]))
    # pydantic's error is a ValueError.
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(
            "its description of how to use it can't be read", where=path, remedy="make it anew with `snakemake`"
        ) from error
