"""What an experiment takes from elsewhere: the paper's data sets, the authors' weights, SuperPoint's weights."""

from __future__ import annotations

from landmark_discovery.config.schema import Config

PUBLISHED_KINDS = ("celeba", "ls3d")
PUBLISHED_COUNTS = (10, 30)
SUPERPOINT = "superpoint_v1.pth"
_CELEBA_LISTS = (
    "list_landmarks_align_celeba.txt",
    "list_eval_partition.txt",
    "mafl_training.txt",
    "mafl_testing.txt",
    "CelebABoundingBoxes.pickle",
    "MaflGroundtruthLandmarks.pickle",
)
_LS3D_FILES = ("300W-LP.zip", "300W_LPBoundingBoxes.pickle", "LS3D-W-balanced-20-03-2017.zip")


def dataset_downloads(config: Config) -> tuple[str, ...]:
    """Name the downloads that the data set is made from; none for drawn faces and a folder of the user's."""
    kind = config.dataset.kind
    if kind == "celeba":
        return (config.dataset.archive, *_CELEBA_LISTS)
    return _LS3D_FILES if kind == "ls3d" else ()


def checkpoint_download(config: Config, stage: int | str) -> str:
    """Name the authors' file of weights for an experiment and stage."""
    return f"{config.dataset.kind}_k{config.num_landmarks}_stage{stage}.pth"


def needed_downloads(config: Config) -> tuple[str, ...]:
    """Name everything that an experiment downloads."""
    if config.pretrained:
        return (*dataset_downloads(config), *(checkpoint_download(config, stage) for stage in (1, 2)))
    detector = (SUPERPOINT,) if config.bootstrap.detector == "superpoint" else ()
    return (*dataset_downloads(config), *detector)


def with_context(config: Config, context: float = 0.5) -> Config:
    """Store no more than some surroundings of each crop, where the whole image would be stored."""
    if config.dataset.context is not None:
        return config
    return config.model_copy(update={"dataset": config.dataset.model_copy(update={"context": context})})


def published_experiment(config: Config) -> str | None:
    """Name the experiment of the paper whose figures this one is judged by, such as `celeba_k10`; None: of none."""
    if config.dataset.kind not in PUBLISHED_KINDS:
        return None
    return f"{config.dataset.kind}_k{config.num_landmarks}"
