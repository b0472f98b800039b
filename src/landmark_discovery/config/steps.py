"""Which keys each step of the pipeline depends on.

A step is run with exactly these and nothing else: the workflow passes them as JSON, and the command reads no other
source. So a changed key reruns what depends on it, and a step that reads an undeclared key fails at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from landmark_discovery.config.detectors import DETECTORS, unread_keys
from landmark_discovery.config.loading import Tree, default_values, merged
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError, nearest_name

_NETWORK = ("model", "device", "precision", "cpu_threads", "fast", "deterministic")
# How heatmaps of stage 2 are read.
_DECODING = ("stage2.subpixel", "stage2.average_turned_views", "stage2.shape_prior")

# The step that makes the images of a data set; none for a folder of the user's.
_SOURCE_STEPS = {"synthetic": "synthesize", "celeba": "build-dataset", "ls3d": "build-dataset"}


@dataclass(frozen=True)
class Step:
    """Describe one step.

    Attributes:
        keys: keys it depends on, dotted; a section stands for all its keys.
        after: steps whose results it reads.
    """

    keys: tuple[str, ...]
    after: tuple[str, ...] = ()


STEPS = {
    "synthesize": Step(("dataset.synthetic",)),
    "build-dataset": Step(("dataset.kind", "dataset.archive")),
    "prepare": Step(
        (
            "dataset.name",
            "dataset.kind",
            "dataset.on_bad_image",
            "dataset.crop_rule",
            "dataset.crop_margin",
            "dataset.context",
            "dataset.max_crop_px",
            "dataset.test_fraction",
            "dataset.split_seed",
        ),
        after=("synthesize", "build-dataset"),
    ),
    "bootstrap": Step(("bootstrap", "model.input_size_px", "device", "deterministic"), after=("prepare",)),
    "train-stage1": Step(
        (
            "seed",
            "num_landmarks",
            *_NETWORK,
            "processes",
            "bootstrap.min_keypoints",
            "augmentation",
            "stage1",
            "clustering",
        ),
        after=("bootstrap",),
    ),
    "export-pseudo-groundtruth": Step(
        ("seed", "num_landmarks", *_NETWORK, "stage1.detection", "clustering"), after=("train-stage1",)
    ),
    "train-stage2": Step(
        ("seed", "num_landmarks", *_NETWORK, "processes", "augmentation", "stage2"),
        after=("export-pseudo-groundtruth",),
    ),
    "convert-weights": Step(("num_landmarks", "model")),
    "predict-stage1": Step(("num_landmarks", *_NETWORK, "stage1.detection"), after=("train-stage1",)),
    "predict-stage2": Step(("num_landmarks", *_NETWORK, *_DECODING), after=("train-stage2",)),
    "package-model": Step(
        (
            "dataset.crop_rule",
            "dataset.crop_margin",
            "dataset.context",
            "dataset.max_crop_px",
            *_DECODING,
        ),
        after=("train-stage2",),
    ),
    "evaluate": Step(("seed", "evaluation"), after=("predict-stage1", "predict-stage2")),
    "evaluate-headline": Step(("seed", "headline"), after=("predict-stage1", "predict-stage2")),
    "draw-pictures": Step(("report",), after=("predict-stage1", "predict-stage2")),
    "report": Step(tuple(Config.model_fields), after=("evaluate", "draw-pictures")),
}


def step_tree(config: Config, step: str) -> Tree:
    """List the keys that a step depends on, with their values, as nested mappings."""
    everything = config.model_dump(mode="json")
    tree: Tree = {}
    for key in step_keys(config, step):
        tree = merged(tree, _nested(key, _value_at(everything, key)))
    return tree


def step_keys(config: Config, step: str) -> list[str]:
    """List the single keys, dotted, that a step depends on under this configuration.

    Raises:
        UserError: there is no such step.
    """
    if step not in STEPS:
        raise UserError(f"unknown step {step!r}", remedy=nearest_name(step, STEPS))
    without = set() if step == "report" else set(_irrelevant_keys(config))
    everything = default_values()
    keys = (leaf for key in STEPS[step].keys for leaf in _leaves(key, _value_at(everything, key)))
    if step == "bootstrap" and not DETECTORS[config.bootstrap.detector].is_network:
        without |= {"device", "deterministic"}
    return [key for key in keys if key not in without]


def shared_name(config: Config, step: str) -> str:
    """Name the folder or file of a result that experiments share, such as `synthetic-4f1c09d2ab`.

    The digest covers the settings of the step and of all before it, and the path of a folder of images.
    """
    chain = {name: step_tree(config, name) for name in _chain(config, step)}
    source = {"path": config.dataset.path} if config.dataset.kind == "folder" else {}
    digest = hashlib.sha256(canonical_json({**chain, "source": source}).encode()).hexdigest()
    return f"{config.dataset.name}-{digest[:10]}"


def training_command(config: Config) -> str:
    """Give the command that the sub-commands of training go to: by itself, or started by torchrun several times."""
    if config.processes == 1:
        return "landmarks"
    return f"torchrun --standalone --nproc-per-node {config.processes} -m landmark_discovery"


def canonical_json(tree: Tree) -> str:
    """Write a tree as JSON; equal trees give equal texts."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _chain(config: Config, step: str) -> list[str]:
    before = [name for earlier in STEPS[step].after for name in _chain(config, earlier)]
    source = _SOURCE_STEPS.get(config.dataset.kind)
    return [name for name in [*before, step] if name not in _SOURCE_STEPS.values() or name == source]


def _irrelevant_keys(config: Config) -> Iterator[str]:
    """Name keys that nothing reads under this configuration, so that changing them reruns nothing."""
    yield from (f"bootstrap.{name}" for name in unread_keys(config.bootstrap.detector))
    if config.dataset.crop_rule == "paper":
        yield "dataset.crop_margin"
    if config.dataset.kind != "celeba":
        yield "dataset.archive"
    if config.dataset.kind != "folder":
        yield from ("dataset.test_fraction", "dataset.split_seed")


def _leaves(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(f"{key}.{name}", below)
    else:
        yield key


def _value_at(tree: Tree, key: str) -> object:
    for part in key.split("."):
        tree = tree[part]
    return tree


def _nested(key: str, value: object) -> Tree:
    *sections, name = key.split(".")
    tree: Tree = {name: value}
    for section in reversed(sections):
        tree = {section: tree}
    return tree
