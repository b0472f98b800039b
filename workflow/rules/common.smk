# What the rules share. The logic is in the package, where it is tested; here it only meets Snakemake's objects.

import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.utils import validate

ROOT = Path(str(workflow.current_basedir)).parent.parent
# The configuration needs neither torch nor an installed package, so that a container can bring those.
sys.path.insert(0, str(ROOT / "src"))

from landmark_discovery.cli.failures import failures
from landmark_discovery.config.experiments import load_experiments
from landmark_discovery.config.fingerprint import folder_fingerprint
from landmark_discovery.config.steps import shared_name, training_command
from landmark_discovery.config.steps_json import step_settings
from landmark_discovery.errors import UserError
from landmark_discovery.writable import check_writable

try:
    EXPERIMENTS = load_experiments(
        config,
        overrides=workflow.config_settings.config,
        files=workflow.config_settings.configfiles,
    )
    for path in ("resources/stores", *(f"results/{name}/logs" for name in EXPERIMENTS)):
        check_writable(path)
except UserError as error:
    sys.exit(f"error: {error}")

for experiment in EXPERIMENTS.values():
    validate(
        experiment.model_dump(mode="json"),
        ROOT / "workflow" / "schemas" / "config.schema.json",
        set_default=False,
    )

# Captions of the report read every key, so they get the keys of the recipe too.
config.update(next(iter(EXPERIMENTS.values())).model_dump(mode="json"))

# Results that experiments share, by the names of their folders.
DATASETS = {
    shared_name(experiment, "synthesize"): experiment
    for experiment in EXPERIMENTS.values()
}
STORES = {
    shared_name(experiment, "prepare"): experiment
    for experiment in EXPERIMENTS.values()
}
KEYPOINTS = {
    shared_name(experiment, "bootstrap"): experiment
    for experiment in EXPERIMENTS.values()
}
WEIGHTS = "resources/weights/superpoint_v1.pth"


wildcard_constraints:
    experiment="|".join(map(re.escape, EXPERIMENTS)),
    dataset="|".join(map(re.escape, DATASETS)),
    store="|".join(map(re.escape, STORES)),
    keypoints="|".join(map(re.escape, KEYPOINTS)),
    stage="1|2",
    direction="forward|backward",


# Commands are found without activating an environment, and nothing is written outside the project.
os.environ.update(
    PATH=os.pathsep.join(
        [os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
    ),
    MPLCONFIGDIR=str(Path(".snakemake/matplotlib").absolute()),
)


def experiment_settings(step):
    """Give the function of the wildcards that writes the settings of a step; {stage} in its name is filled in."""
    return lambda wildcards: step_settings(
        EXPERIMENTS[wildcards.experiment], step.format(**wildcards)
    )


def store_of(wildcards):
    """Name the prepared data set of an experiment."""
    return (
        f"resources/stores/{shared_name(EXPERIMENTS[wildcards.experiment], 'prepare')}"
    )


def keypoints_of(wildcards):
    """Name the bootstrap keypoints of an experiment."""
    return f"resources/keypoints/{shared_name(EXPERIMENTS[wildcards.experiment], 'bootstrap')}.npz"


def images_of(wildcards):
    """Name the folder of images that a prepared data set is cut from."""
    experiment = STORES[wildcards.store]
    if experiment.dataset.kind == "folder":
        return experiment.dataset.path
    return f"resources/datasets/{shared_name(experiment, 'synthesize')}"


def fingerprint_of(wildcards):
    """Give what changes with the files of a folder of images, so that new images are prepared anew."""
    dataset = STORES[wildcards.store].dataset
    return folder_fingerprint(dataset.path) if dataset.kind == "folder" else None


def bootstrap_weights(wildcards):
    """Name the detector's weights, where it has any."""
    return (
        WEIGHTS
        if KEYPOINTS[wildcards.keypoints].bootstrap.detector == "superpoint"
        else []
    )


def benchmarks_of(wildcards):
    """Name the benchmarks that the table of timings shows, in its order, as options."""
    experiment = EXPERIMENTS[wildcards.experiment]
    shared = [
        f"resources/benchmarks/{step}/{shared_name(experiment, step)}.tsv"
        for step in ("synthesize", "prepare", "bootstrap")
    ]
    own = [
        f"results/{wildcards.experiment}/benchmarks/{step}.tsv"
        for step in (
            "train_stage1",
            "export_pseudo_groundtruth",
            "train_stage2",
            "predict_stage1",
            "predict_stage2",
            "evaluate_stage1",
            "evaluate_stage2",
        )
    ]
    return " ".join(f"--benchmark {path}" for path in [*shared, *own])


def gpus(experiment):
    """Count the GPUs that a process of an experiment takes."""
    driver = shutil.which("nvidia-smi") is not None
    return int(experiment.device == "cuda" or (experiment.device == "auto" and driver))


def gpus_of(wildcards):
    """Count the GPUs that a job of the wildcards' experiment takes."""
    return gpus(EXPERIMENTS[wildcards.experiment])


def training_gpus_of(wildcards):
    """Count the GPUs that a training job of the wildcards' experiment takes."""
    return gpus_of(wildcards) * EXPERIMENTS[wildcards.experiment].processes


def training_command_of(wildcards):
    """Give the command that trains the wildcards' experiment, in one process or several."""
    return training_command(EXPERIMENTS[wildcards.experiment])
