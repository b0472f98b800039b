"""Expansion of a sweep into the experiments it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from landmark_discovery.config.loading import Tree, load_config, merged, read_config_file, refuse_twin_keys
from landmark_discovery.config.protocol_fit import check_true_points
from landmark_discovery.config.schema import Config, SweepSettings
from landmark_discovery.errors import UserError

PROJECT_FILE = "config.yaml"
# What other experiments take over from the main one, and what of the command line concerns them.
_SHARED_KEYS = ("accept_licences", "downloads")
_COMMAND_LINE_KEYS = ("device", "precision", "fast", "model", "evaluation", "report")


def load_experiments(
    given: Mapping[str, Any], *, overrides: Mapping[str, Any], files: Sequence[str | Path]
) -> dict[str, Config]:
    """Load and expand what Snakemake has merged from files and the command line.

    Args:
        given: the merged keys.
        overrides: those of them that the command line set.
        files: configuration files named on the command line; none: config.yaml was taken.

    Raises:
        UserError: keys or values that aren't valid, a key that stands twice in a file, a folder of images that
            isn't there, or a protocol that doesn't fit its true points.
    """
    # Snakemake's reader keeps the last of two, and of a section that stands twice the other half gets defaults.
    for file in files or [PROJECT_FILE]:
        refuse_twin_keys(file)
    where = ", ".join(Path(file).name for file in files) or PROJECT_FILE
    if "recipe" in overrides and not files:
        raise UserError(
            "recipe changes nothing here, since this file sets every key",
            where=where,
            remedy=f"write a file with `recipe: {overrides['recipe']}` and give it by --configfile",
        )
    experiments = expand_experiments(load_config(given, where=where), where=where)
    for config in experiments.values():
        folder = config.dataset.path
        if folder is not None and not Path(folder).is_dir():
            raise UserError(f"dataset.path is {folder!r}, which is no folder", where=where, remedy="correct the path")
        check_true_points(config)
    return experiments


def experiments_beside(main: Config, path: str | Path, overrides: Mapping[str, Any]) -> dict[str, Config]:
    """Load the experiments of a file that has a target of its own.

    Args:
        main: brings the licences that are accepted and where downloads lie.
        path: configuration file of the others.
        overrides: keys of the command line; those that choose other data or another training don't concern them.
    """
    shared = main.model_dump(mode="json", include=set(_SHARED_KEYS))
    given = {key: overrides[key] for key in _COMMAND_LINE_KEYS if key in overrides}
    return expand_experiments(load_config(read_config_file(path), {**shared, **given}, where=path), where=path)


def expand_experiments(config: Config, *, where: str | Path | None = None) -> dict[str, Config]:
    """Name every experiment of a configuration; without `sweep` it is one.

    Returns:
        Experiments by name, such as `demo-synthetic-sift-k10-seed1993`: the swept axes are appended, in this order.

    Raises:
        UserError: a swept data set or bootstrap that can't be called anything, or two experiments of one name.
    """
    sweep = config.sweep
    base = merged(config.model_dump(mode="json"), {"sweep": SweepSettings().model_dump(mode="json")})
    experiments: dict[str, Config] = {}
    axes = product(
        sweep.dataset or (None,), sweep.bootstrap or (None,), sweep.num_landmarks or (None,), sweep.seed or (None,)
    )
    for dataset, bootstrap, count, seed in axes:
        changes = _changes(config, dataset, bootstrap, count, seed)
        name = changes["experiment"]
        if name in experiments:
            remedy = "list each value once, and give each change a name of its own"
            raise UserError(f"sweep names {name!r} twice", where=where, remedy=remedy)
        experiments[name] = load_config(merged(base, changes), where=where)
    return experiments


def _changes(config: Config, dataset: Tree | None, bootstrap: Tree | None, count: int | None, seed: int | None) -> Tree:
    changes: Tree = {}
    suffixes = []
    if dataset is not None:
        if "name" not in dataset:
            raise UserError("a data set of sweep.dataset has no name", remedy="give each its own")
        changes["dataset"] = dataset
        suffixes.append(str(dataset["name"]))
    if bootstrap is not None:
        # `bootstrap` has no key `name`, as `dataset` does.
        changes["bootstrap"] = {key: value for key, value in bootstrap.items() if key != "name"}
        suffixes.append(_name_of_bootstrap(bootstrap))
    if count is not None:
        changes["num_landmarks"] = count
        suffixes.append(f"k{count}")
    if seed is not None:
        changes["seed"] = seed
        suffixes.append(f"seed{seed}")
    return {**changes, "experiment": "-".join([config.experiment, *suffixes])}


def _name_of_bootstrap(changes: Tree) -> str:
    for key in ("name", "detector"):
        if key in changes:
            return str(changes[key])
    raise UserError("a change of sweep.bootstrap has neither a detector nor a name", remedy="give it a name")
