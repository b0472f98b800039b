"""Settings of the network, of augmentation, and of both training stages. Defaults are the paper's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from landmark_discovery.config.base import (
    Count,
    Factors,
    Fraction,
    NotNegative,
    Positive,
    PositiveCount,
    Range,
    Section,
    Shares,
    blur_within,
)

# Of a blur by a kernel of five pixels.
MOST_BLUR_PX = 0.7


class ModelSettings(Section):
    """The hourglass network (method, section 3)."""

    input_size_px: int = Field(256, ge=32, multiple_of=4, description="Width and height of the network's input.")
    width: int = Field(256, ge=16, multiple_of=16, description="Channels of the hourglass.")
    depth: PositiveCount = Field(4, description="Levels of the hourglass.")
    norm_groups: PositiveCount = Field(32, description="Groups of each group normalisation; divides width / 8.")
    descriptor_dim: PositiveCount = Field(256, description="Length of a descriptor.")

    @property
    def grid_size(self) -> int:
        """Count the cells of detector and descriptor maps along a side (stride 4)."""
        return self.input_size_px // 4

    @model_validator(mode="after")
    def _sizes_fit(self) -> ModelSettings:
        # A power of a depth of billions would not fit into memory.
        if self.depth >= self.grid_size.bit_length() or self.grid_size % 2**self.depth:
            raise ValueError(f"input_size_px {self.input_size_px} is no multiple of 4 * 2^{self.depth}")
        if (self.width // 8) % self.norm_groups:
            raise ValueError(f"norm_groups {self.norm_groups} doesn't divide width / 8 = {self.width // 8}")
        return self


class AugmentationSettings(Section):
    """Random changes of each training view (method, section 4)."""

    blur_probability: Fraction = Field(0.3, description="Share of views that are blurred.")
    blur_sigma_px: Annotated[Range, blur_within(MOST_BLUR_PX)] = Field(
        (0.0, 0.5), description=f"Gaussian sigma, from 0 to {MOST_BLUR_PX}."
    )
    contrast: Factors = Field((0.85, 1.3), description="Factor of contrast around 127.")
    noise_probability: Fraction = Field(0.5, description="Share of views with Gaussian noise.")
    noise_deviation: Shares = Field((0.0, 0.05), description="Standard deviation of the noise, as a share of 255.")
    noise_per_channel_probability: Fraction = Field(0.5, description="Share of noisy views with coloured noise.")
    brightness: Factors = Field((0.9, 1.1), description="Factor of brightness.")
    brightness_per_channel_probability: Fraction = Field(0.2, description="Share of views with a factor a channel.")
    hue_saturation_probability: Fraction = Field(0.3, description="Share of views with changed hue and saturation.")
    hue_saturation: Factors = Field((0.5, 1.5), description="Factor of hue, and another of saturation.")
    scale: Factors = Field((0.8, 1.2), description="Factor of width, and another of height.")
    translation: Range = Field((-0.05, 0.05), description="Shift in x, and another in y, as a share of the image.")
    rotation_degrees: Range = Field((-40.0, 40.0), description="Angle of rotation about the image centre.")
    mirror_probability: Fraction = Field(0.5, description="Share of mirrored views, once flipped ids exist.")


class OptimizerSettings(Section):
    """The optimiser and its learning rate over the iterations."""

    name: Literal["rmsprop", "adamw"] = Field("rmsprop", description="RMSprop (alpha 0.99, eps 1e-8) or AdamW.")
    learning_rate: Positive = Field(1e-4, description="Learning rate.")
    trunk_learning_rate_factor: NotNegative = Field(1.0, description="Rate of the trunk relative to the heads'.")
    weight_decay: NotNegative = Field(1e-5, description="Weight decay.")
    warmup_iterations: Count = Field(0, description="The rate grows linearly over so many iterations.")
    schedule: Literal["steps", "cosine"] = Field("steps", description="Times `decay` at `milestones`, or a cosine.")
    milestones: tuple[int, ...] = Field((150_000, 180_000), description="Iterations at which the rate decays.")
    decay: Fraction = Field(0.1, description="Factor at each milestone; with `cosine`, the rate's final share.")
    max_gradient_norm: Positive | None = Field(None, description="Gradients are clipped to this norm; null: never.")


class DescriptorLossSettings(Section):
    """The contrastive loss of stage 1."""

    weight: NotNegative = Field(10.0, description="Weight of the descriptor loss beside the detector's.")
    margin: Positive = Field(0.8, description="Negatives nearer than this are pushed apart.")
    negative_pairs: PositiveCount = Field(5_000, description="Negative pairs a view, keypoint pairs first.")
    negative_distance: NotNegative = Field(5.7 / 64, description="Nearer pairs are void; share of the map's side.")
    partner_probability: Fraction = Field(0.5, description="Share of pairs whose second view is another image.")


class DetectionSettings(Section):
    """Detections in the network's score map."""

    threshold: Fraction = Field(0.15, description="Detections score more than this.")
    target_detections: Positive | None = Field(
        None, description="Choose the threshold anew each round so that an image has so many on average; null: fixed."
    )
    nms_half_side_cells: PositiveCount = Field(2, description="Half the side of the suppressed squares, in cells.")
    nms_iou: float = Field(0.01, ge=0.0, lt=1.0, description="Squares that overlap more than this suppress each other.")
    max_detections: PositiveCount | None = Field(None, description="Strongest detections kept an image; null: all.")


class ClusteringSettings(Section):
    """Both k-means steps (method, section 4)."""

    training_clusters: PositiveCount = Field(100, description="Clusters whose ids train the next round (M).")
    max_descriptors: PositiveCount = Field(800_000, description="Descriptors, and as many flipped ones, clustered.")
    points_per_centroid: PositiveCount = Field(256, description="k-means draws at most so many points a centroid.")
    iterations: PositiveCount = Field(100, description="Iterations of k-means.")
    redos: PositiveCount = Field(10, description="Restarts; with given centroids, repeats from the last result.")
    seed: Count = Field(1000, description="Seed of k-means, of what it draws and starts from.")
    position_weight: NotNegative = Field(
        0.0, description="Weight of the place in the crop beside the descriptor; 0: descriptors alone."
    )
    restarts: PositiveCount = Field(
        1,
        description="Clusterings into landmarks, each from its own start; that one counts whose landmarks have mirror "
        "images and agree best.",
    )
    candidate_factor: float = Field(
        1.0, ge=1.0, description="Clusters a landmark: with more than 1, those that agree best are the landmarks."
    )
    consistency_limit: Positive | None = Field(
        None,
        description="Drop detections that stand farther from where the other landmarks expect them, as a share of the "
        "crop; null: keep all.",
    )


class Stage1Settings(Section):
    """Self-training of detector and descriptor."""

    batch_pairs: PositiveCount = Field(16, description="Pairs of views an iteration.")
    iterations: PositiveCount = Field(200_000, description="Iterations in all.")
    warmup_iterations: PositiveCount = Field(30_000, description="Iterations on the bootstrap keypoints.")
    round_iterations: PositiveCount = Field(5_000, description="Iterations between two pseudo-ground-truths.")
    scale_with_processes: bool = Field(
        True,
        description="With G processes: G times the learning rate, and rounds of a G-th of the iterations. The whole "
        "batch is G times `batch_pairs` either way.",
    )
    detector_target: Literal["pixel", "bump"] = Field("pixel", description="Target of a keypoint: 1 cell, or 3x3.")
    detector_bias: float | None = Field(None, description="Initial bias of the detector's last layer; null: torch's.")
    descriptor_loss: DescriptorLossSettings = Field(DescriptorLossSettings(), description="Descriptor loss.")
    detection: DetectionSettings = Field(DetectionSettings(), description="Detections.")
    optimizer: OptimizerSettings = Field(OptimizerSettings(), description="Optimiser.")


class Stage2Settings(Section):
    """Training of the landmark detector on the pseudo-ground-truth."""

    batch_size: PositiveCount = Field(16, description="Images an iteration.")
    iterations: PositiveCount = Field(200_000, description="Iterations of each generation.")
    scale_with_processes: bool = Field(
        True,
        description="With G processes: G times the learning rate. The whole batch is G times `batch_size` either way.",
    )
    occlusion_probability: Fraction = Field(0.5, description="Share of views with a black square.")
    occlusion_size: Fraction = Field(80 / 256, description="Side of that square, as a share of the crop.")
    head_deviation: Positive | None = Field(
        None, description="Standard deviation of the new last layer's weights, with bias 0; null: torch's."
    )
    subpixel: bool = Field(False, description="Refine a landmark between the cells of its heatmap.")
    average_turned_views: bool = Field(
        False, description="A prediction averages the landmarks of four turned or scaled views with those of the crop."
    )
    shape_prior: bool = Field(
        False,
        description="A landmark is looked for where the others of its image expect it, not at its heatmap's maximum "
        "alone; the next generation learns what is found so.",
    )
    generations: PositiveCount = Field(
        1, description="Networks trained one after another; each learns what the one before it finds."
    )
    consistency_limit: Positive = Field(
        0.1,
        description="What a generation finds farther from where the other landmarks expect it, as a share of the "
        "crop, isn't learnt by the next.",
    )
    optimizer: OptimizerSettings = Field(
        OptimizerSettings(trunk_learning_rate_factor=0.1, milestones=(50_000, 70_000)),
        description="Optimiser.",
    )
