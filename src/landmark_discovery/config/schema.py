"""The whole configuration of an experiment: the one source of its keys, defaults and ranges."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from landmark_discovery.config.base import Count, LandmarkCount, Name, PositiveCount, Section
from landmark_discovery.config.data import BootstrapSettings, DatasetSettings, DownloadSettings
from landmark_discovery.config.evaluation import EvaluationSettings, ReportSettings
from landmark_discovery.config.training import (
    AugmentationSettings,
    ClusteringSettings,
    ModelSettings,
    Stage1Settings,
    Stage2Settings,
)


class SweepSettings(Section):
    """Axes whose every combination becomes an experiment of its own."""

    num_landmarks: tuple[LandmarkCount, ...] = Field((), description="Numbers of landmarks.")
    seed: tuple[Count, ...] = Field((), description="Seeds.")
    dataset: tuple[dict[str, Any], ...] = Field((), description="Changes to `dataset`, each with a `name`.")
    bootstrap: tuple[dict[str, Any], ...] = Field(
        (),
        description="Changes to `bootstrap`, each called by its `detector`, or by a `name` of its own where several "
        "have the same.",
    )


class Config(Section):
    """One experiment, or with `sweep` a family of them."""

    experiment: Name = Field(
        "demo", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Name of the folder under results/."
    )
    recipe: Literal["paper", "short"] = Field(
        "short", description="Values of the keys that aren't given: the paper's, or those for short schedules."
    )
    seed: Count = Field(1993, description="Seed of training.")
    num_landmarks: LandmarkCount = Field(10, description="Landmarks to discover (K).")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        "tf32", description="Arithmetic of the network on a GPU; a CPU always uses float32."
    )
    cpu_threads: PositiveCount = Field(
        2,
        description="Threads that share each batch on a CPU, whatever its cores: other numbers sum gradients "
        "otherwise. Raise it where there are many cores, and keep it where results shall be repeated.",
    )
    deterministic: bool = Field(
        False,
        description="Let a GPU give the same bytes each time, by slower operations where others don't; a CPU always "
        "does.",
    )
    processes: PositiveCount = Field(
        1,
        description="Processes that the workflow lets train together, one a GPU (docs/several-gpus.md).",
    )
    container: str = Field(
        "docker/landmark-discovery-{tag}.sif",
        description="Image for `--use-singularity`: a file (`make sif`), or docker://REGISTRY/NAME:{tag}; `{tag}` "
        "stands for version, environment and variant.",
    )
    bind: tuple[str, ...] = Field(
        (),
        description="Folders outside the working folder that containers see, beside `dataset.path` and "
        "`downloads.folder`.",
    )
    pretrained: bool = Field(
        False,
        description="Measure the authors' published weights instead of training (data sets `celeba` and `ls3d`, 10 or "
        "30 landmarks).",
    )
    headline: Literal["mafl-headline", "ls3d-headline"] | None = Field(
        None, description="A named protocol that is measured beside `evaluation`."
    )
    accept_licences: tuple[str, ...] = Field(
        (), description="Licences of downloads that you have read and accept, such as `celeba`; `landmarks downloads`."
    )
    fast: bool = Field(True, description="On a GPU: fused kernels, and each step replayed as one graph.")
    downloads: DownloadSettings = Field(DownloadSettings(), description="Downloads.")
    dataset: DatasetSettings = Field(DatasetSettings(), description="The images.")
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="The first keypoints.")
    model: ModelSettings = Field(ModelSettings(), description="The network.")
    augmentation: AugmentationSettings = Field(AugmentationSettings(), description="Augmentation.")
    stage1: Stage1Settings = Field(Stage1Settings(), description="Stage 1.")
    clustering: ClusteringSettings = Field(ClusteringSettings(), description="Clustering.")
    stage2: Stage2Settings = Field(Stage2Settings(), description="Stage 2.")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="Evaluation.")
    report: ReportSettings = Field(ReportSettings(), description="The report.")
    sweep: SweepSettings = Field(SweepSettings(), description="Several experiments at once.")
