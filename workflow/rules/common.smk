# What the rules share. The logic is in the package, where it is tested; here it only meets Snakemake's objects.

import json
import os
import platform
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from snakemake.settings.types import DeploymentMethod
from snakemake.utils import validate

ROOT = Path(str(workflow.current_basedir)).parent.parent
# The configuration needs neither torch nor an installed package, so that a container can bring those.
sys.path.insert(0, str(ROOT / "src"))

from landmark_discovery.bootstrap.packaged import package_folder, packaged_digest
from landmark_discovery.cli.failures import failures
from landmark_discovery.config.container import (
    bind_variable,
    bound_folders,
    container_image,
    require_image,
)
from landmark_discovery.config.detectors import DETECTORS
from landmark_discovery.config.experiments import (
    experiments_beside,
    load_experiments,
)
from landmark_discovery.config.fingerprint import folder_fingerprint
from landmark_discovery.config.published import (
    PUBLISHED_KINDS,
    SUPERPOINT,
    checkpoint_download,
    dataset_downloads,
    needed_downloads,
    published_experiment,
    with_context,
)
from landmark_discovery.config.steps import shared_name, step_keys, training_command
from landmark_discovery.config.steps_json import step_settings
from landmark_discovery.config.point_tables import landmark_tables
from landmark_discovery.deadline import DEADLINE_VARIABLE, find_deadline
from landmark_discovery.downloads.readiness import (
    State,
    is_offline,
    readiness,
    readiness_report,
    require_ready,
)
from landmark_discovery.downloads.sources import find_source, read_sources
from landmark_discovery.errors import UserError
from landmark_discovery.gpus import has_gpus
from landmark_discovery.leftovers import remove_noted_checkpoints
from landmark_discovery.locking import hold_folder
from landmark_discovery.records import lost_record
from landmark_discovery.writable import check_writable

try:
    MAIN_EXPERIMENTS = load_experiments(
        config,
        overrides=workflow.config_settings.config,
        files=workflow.config_settings.configfiles,
    )
    FIRST = next(iter(MAIN_EXPERIMENTS.values()))
    # Targets of their own, whatever the configuration is about.
    TARGETS = {
        name: experiments_beside(
            FIRST, ROOT / "config" / f"{name}.yaml", workflow.config_settings.config
        )
        for name in ("pretrained_celeba", "pretrained_ls3d")
    }
    for path in (
        "resources/stores",
        *(f"results/{name}/logs" for name in MAIN_EXPERIMENTS),
    ):
        check_writable(path, folder=True)
except UserError as error:
    sys.exit(f"error: {error}")

EXPERIMENTS = {
    name: one
    for group in (*TARGETS.values(), MAIN_EXPERIMENTS)
    for name, one in group.items()
}
MAIN_FAMILY = str(config.get("experiment", FIRST.experiment)) + (
    "-sweep" if len(MAIN_EXPERIMENTS) > 1 else ""
)
# Experiments that one verdict speaks of, by the name that they share: those of one sweep.
FAMILIES = {
    **{name: list(group) for name, group in TARGETS.items()},
    MAIN_FAMILY: list(MAIN_EXPERIMENTS),
}

for experiment in EXPERIMENTS.values():
    validate(
        experiment.model_dump(mode="json"),
        ROOT / "workflow" / "schemas" / "config.schema.json",
        set_default=False,
    )

# Results that experiments share, by the names of their folders.
DRAWN_DATASETS = {
    shared_name(experiment, "synthesize"): experiment
    for experiment in EXPERIMENTS.values()
    if experiment.dataset.kind == "synthetic"
}
BUILT_DATASETS = {
    shared_name(experiment, "build-dataset"): experiment
    for experiment in EXPERIMENTS.values()
    if experiment.dataset.kind in PUBLISHED_KINDS
}
STORES = {
    shared_name(experiment, "prepare"): experiment
    for experiment in EXPERIMENTS.values()
}
# Nothing turns the images that are measured, so that they need little of their surroundings.
EVALUATION_STORES = {
    f"{name}-evaluation": with_context(experiment)
    for name, experiment in STORES.items()
    if experiment.dataset.kind in PUBLISHED_KINDS
}
# True points of a user's images come and go without a training: the store that trains has none.
FOLDER_STORES = {
    name: experiment
    for name, experiment in STORES.items()
    if experiment.dataset.kind == "folder"
}
ANNOTATED_STORES = {
    f"{name}-evaluation": experiment for name, experiment in FOLDER_STORES.items()
}
KEYPOINTS = {
    shared_name(experiment, "bootstrap"): experiment
    for experiment in EXPERIMENTS.values()
}
TRAINED = [
    name for name, experiment in EXPERIMENTS.items() if not experiment.pretrained
]
PRETRAINED = [name for name, experiment in EXPERIMENTS.items() if experiment.pretrained]
DOWNLOADS = str(Path(FIRST.downloads.folder).expanduser())
OFFLINE = is_offline(FIRST.downloads.offline, os.environ)


def alternatives(names):
    """Write the pattern of a wildcard that is one of some names; of no name it matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    experiment=alternatives(EXPERIMENTS),
    store=alternatives([*STORES, *EVALUATION_STORES]),
    keypoints=alternatives(KEYPOINTS),
    download=r"[A-Za-z0-9_.-]+",
    stage="1|2",
    direction="forward|backward",


# Decided once, where the run begins: nodes of a cluster may have other GPUs than the machine that submits to them.
HAS_GPUS = bool(int(os.environ.get("LANDMARKS_HAS_GPUS") or has_gpus(os.environ)))


def gpus(experiment):
    """Count the GPUs that a process of an experiment takes."""
    return int(
        experiment.device == "cuda" or (experiment.device == "auto" and HAS_GPUS)
    )


# Targets of their own that nobody asks for choose nothing.
ASKED = [one for name in TARGETS if name in sys.argv for one in TARGETS[name].values()]
VARIANT = os.environ.setdefault(
    "LANDMARKS_VARIANT",
    "gpu" if any(map(gpus, ASKED or MAIN_EXPERIMENTS.values())) else "cpu",
)
CONTAINER = container_image(FIRST.container, os.environ, ROOT, VARIANT)
USES_CONTAINERS = (
    DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
)
if USES_CONTAINERS:
    # Only what is there can be bound.
    Path(DOWNLOADS).mkdir(parents=True, exist_ok=True)
# What steps read and write outside the working folder, where links of it lead included.
BOUND = bind_variable(
    bound_folders(
        [
            ROOT,
            "resources",
            "results",
            DOWNLOADS,
            *(
                str(one.dataset.path)
                for one in EXPERIMENTS.values()
                if one.dataset.path
            ),
            *FIRST.bind,
        ],
        Path.cwd(),
    ),
    os.environ,
)
try:
    # A job on a cluster has its own end, whatever that of the run which submitted it.
    ignored = DEADLINE_VARIABLE if workflow.remote_exec else ""
    os.environ.pop(ignored, None)
    DEADLINE = find_deadline(os.environ)
    if USES_CONTAINERS:
        require_image(CONTAINER)
except UserError as error:
    sys.exit(f"error: {error}")

# Commands are found without activating an environment, and nothing is written outside the project.
os.environ.update(
    PATH=os.pathsep.join(
        [os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
    ),
    MPLCONFIGDIR=str(Path(".snakemake/matplotlib").absolute()),
    # Jobs end with this process, even where it is killed; those on a cluster with their own.
    LANDMARKS_PRINCIPAL=(
        f"{platform.node()}:{os.getpid()}"
        if workflow.remote_exec
        else os.environ.get("LANDMARKS_PRINCIPAL", f"{platform.node()}:{os.getpid()}")
    ),
    APPTAINER_BIND=BOUND,
    SINGULARITY_BIND=BOUND,
    # As the option --nv, but never where there is no driver.
    **(
        {"APPTAINER_NV": "1", "SINGULARITY_NV": "1"}
        if shutil.which("nvidia-smi")
        else {}
    ),
    # Packages of the machine are not for the Python in a container.
    APPTAINERENV_PYTHONPATH="",
    SINGULARITYENV_PYTHONPATH="",
    # Not in a temporary folder, from which a container may not run anything.
    TRITON_CACHE_DIR=str(Path(".snakemake/triton").absolute()),
    # All steps share the minutes of the run.
    **({DEADLINE_VARIABLE: str(DEADLINE)} if DEADLINE else {}),
    LANDMARKS_HAS_GPUS=str(int(HAS_GPUS)),
    LANDMARKS_LICENCES=" ".join(FIRST.accept_licences),
    LANDMARKS_LOCK=FIRST.downloads.lock,
    LANDMARKS_SOURCES=FIRST.downloads.sources or "",
    LANDMARKS_OFFLINE=str(int(OFFLINE)),
)
