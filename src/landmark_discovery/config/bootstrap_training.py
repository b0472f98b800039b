"""Settings of the training of `superpoint-open`, the bootstrap weights that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from landmark_discovery.config.base import (
    Count,
    Factors,
    Fraction,
    Name,
    NotNegative,
    Positive,
    PositiveCount,
    Range,
    Section,
    Shares,
    blur_within,
)
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.config.loading import read_config_file
from landmark_discovery.config.photographs import PhotographSettings
from landmark_discovery.config.refusals import explained_refusal
from landmark_discovery.config.steps import canonical_json
from landmark_discovery.errors import UserError, nearest_name

# Of a blur by a kernel of seven pixels.
MOST_BLUR_PX = 1.5


class HomographySettings(Section):
    """Random homographies: what a camera that moves before a flat scene sees."""

    rotation_degrees: float = Field(30.0, ge=0, le=180, description="Turned by up to so much either way.")
    scale: Factors = Field((0.7, 1.4), description="Factor of size.")
    stretch: Fraction = Field(0.2, description="Width and height differ by up to this share.")
    # From a half on, the horizon may cross a corner.
    perspective: float = Field(
        0.2, ge=0, lt=0.5, description="Size changes by up to this share from the centre to an edge."
    )
    translation: Fraction = Field(0.1, description="Shift in x, and another in y, up to this share of the side.")


class LightSettings(Section):
    """Random changes of light and of the camera in grey images of 0..1."""

    contrast: Factors = Field((0.5, 1.5), description="Factor around the middle grey.")
    brightness: Range = Field((-0.2, 0.2), description="Added to all pixels.")
    gamma: Factors = Field((0.6, 1.6), description="Exponent.")
    shade: Shares = Field((0.0, 0.4), description="Depth of a soft shadow that falls over a part.")
    noise_deviation: Shares = Field((0.0, 0.06), description="Standard deviation of Gaussian noise.")
    blur_sigma_px: Annotated[Range, blur_within(MOST_BLUR_PX)] = Field(
        (0.0, 1.0), description="Gaussian sigma, from 0 to 1.5."
    )


class DescentSettings(Section):
    """AdamW with a linear warm-up and a cosine to zero."""

    iterations: PositiveCount = Field(2_000, description="Steps.")
    batch_size: PositiveCount = Field(16, description="Images a step; of the joint training, pairs.")
    learning_rate: Positive = Field(1e-3, description="Highest learning rate.")
    warmup_iterations: Count = Field(100, description="The rate grows linearly over so many steps.")
    weight_decay: NotNegative = Field(1e-4, description="Weight decay.")
    max_gradient_norm: Positive = Field(5.0, description="Gradients are clipped to this norm.")


class ShapesSettings(Section):
    """The drawn shapes."""

    count: PositiveCount = Field(10_000, description="Images drawn; each step warps and lights some of them anew.")
    size_px: int = Field(128, ge=48, description="Width and height.")


class MagicPointSettings(Section):
    """MagicPoint: the detector alone, trained on drawn shapes."""

    input_px: int = Field(96, ge=32, multiple_of=8, description="Width and height of the network's input.")
    homography: HomographySettings = Field(HomographySettings(), description="Warps of the shapes.")
    descent: DescentSettings = Field(
        DescentSettings(iterations=1_600, learning_rate=2e-3), description="The optimiser."
    )


class AdaptationSettings(Section):
    """Homographic adaptation: MagicPoint's answers on many warps of a photograph, brought back and averaged."""

    homographies: PositiveCount = Field(16, description="Warps a photograph, the unchanged one among them.")
    homography: HomographySettings = Field(
        HomographySettings(rotation_degrees=45.0, scale=(0.75, 1.4)), description="The warps."
    )
    threshold: Fraction = Field(0.003, description="Averaged scores over this are keypoints.")
    min_distance_px: PositiveCount = Field(4, description="Of keypoints nearer than this, the stronger stays.")
    max_keypoints: PositiveCount = Field(120, description="Strongest keypoints kept a photograph.")
    batch_size: PositiveCount = Field(16, description="Warps at once.")


class JointSettings(Section):
    """The joint training of detector and descriptor on pairs of views of a photograph."""

    input_px: int = Field(128, ge=32, multiple_of=8, description="Width and height of the network's input.")
    homography: HomographySettings = Field(HomographySettings(), description="Warp of each of the two views.")
    points: PositiveCount = Field(160, description="Points a pair whose descriptors are compared; half are keypoints.")
    temperature: Positive = Field(0.1, description="Divides the cosines that the descriptor loss compares.")
    void_distance_px: NotNegative = Field(8.0, description="Points nearer than this are no negatives of each other.")
    descriptor_weight: NotNegative = Field(0.25, description="Weight of the descriptor loss beside the detector's.")
    descent: DescentSettings = Field(DescentSettings(iterations=2_400, batch_size=8), description="The optimiser.")


class BootstrapTrainingConfig(Section):
    """The whole training of `superpoint-open`, from drawn shapes to weights and their figures."""

    experiment: Name = Field(
        "superpoint-open",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Name of the folder under results/bootstrap_training/.",
    )
    seed: Count = Field(0, description="Seed of all of it.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    precision: Literal["float32", "bfloat16"] = Field(
        "bfloat16", description="Arithmetic of the convolutions; bfloat16 wants a GPU, or a CPU with AVX-512 for it."
    )
    cpu_threads: PositiveCount = Field(2, description="Threads of the network on a CPU, whatever its cores.")
    faces: str | None = Field(
        None, description="Folder of real faces with true points, to measure detectors on and for nothing else."
    )
    superpoint: str | None = Field(None, description="The original superpoint_v1.pth, to measure it beside ours.")
    shapes: ShapesSettings = Field(ShapesSettings(), description="The drawn shapes.")
    photographs: PhotographSettings = Field(PhotographSettings(), description="The photographs.")
    light: LightSettings = Field(LightSettings(), description="Changes of light in training.")
    magicpoint: MagicPointSettings = Field(MagicPointSettings(), description="Training on drawn shapes.")
    adaptation: AdaptationSettings = Field(AdaptationSettings(), description="Labels for the photographs.")
    joint: JointSettings = Field(JointSettings(), description="Training on photographs.")
    evaluation: KeypointEvaluationSettings = Field(KeypointEvaluationSettings(), description="Measuring detectors.")


_NETWORK = ("seed", "device", "precision", "cpu_threads")
# Keys that each step depends on.
STEP_KEYS = {
    "draw-shapes": ("seed", "shapes"),
    "train-magicpoint": (*_NETWORK, "light", "magicpoint"),
    "label-photographs": (*_NETWORK, "adaptation"),
    "train-superpoint": (*_NETWORK, "light", "joint"),
    "package-bootstrap-weights": (
        *_NETWORK,
        "shapes",
        "photographs",
        "light",
        "magicpoint",
        "adaptation",
        "joint",
    ),
}


def load_bootstrap_training(given: dict[str, Any], *, where: str | Path | None = None) -> BootstrapTrainingConfig:
    """Make the configuration: defaults, but for the keys that are given.

    Args:
        given: keys of the user's file and of the command line.
        where: what to call the source in errors.

    Raises:
        UserError: a key that doesn't exist, or a value that isn't allowed.
    """
    try:
        return BootstrapTrainingConfig.model_validate(given)
    except ValidationError as error:
        raise explained_refusal(error, BootstrapTrainingConfig, where) from error


def read_bootstrap_training(path: str | Path) -> BootstrapTrainingConfig:
    """Read the configuration from a YAML file; see `load_bootstrap_training`."""
    return load_bootstrap_training(read_config_file(path), where=path)


def require_material(config: BootstrapTrainingConfig) -> None:
    """Refuse folders and files of the user's that aren't there.

    Raises:
        UserError: one isn't; says by which key it is named.
    """
    for key, path in (("photographs.folder", config.photographs.folder), ("faces", config.faces)):
        if path is not None and not Path(path).is_dir():
            raise UserError("no such folder", where=path, remedy=f"correct {key}")
    if config.superpoint is not None and not Path(config.superpoint).is_file():
        raise UserError("no such file", where=config.superpoint, remedy="correct superpoint")


def bootstrap_step_settings(config: BootstrapTrainingConfig, step: str) -> str:
    """Write the keys that a step depends on as canonical JSON: equal settings, equal text.

    Raises:
        UserError: there is no such step.
    """
    if step not in STEP_KEYS:
        raise UserError(f"unknown step {step!r}", remedy=nearest_name(step, STEP_KEYS))
    everything = config.model_dump(mode="json")
    return canonical_json({key: everything[key] for key in STEP_KEYS[step]})
