"""What the checks of containers and clusters share: a clone, its engines, and runs that can be compared."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_experiment import CONFIGURATION

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = Path(sys.executable).parent
# `make demo`'s experiment, or with `tiny` one of a minute, for work on these checks.
EXPERIMENT = os.environ.get("LANDMARKS_CHECKED_EXPERIMENT", "demo")
# What says when, how long, where and in which environment.
NOT_COMPARED = re.compile(
    r"/(benchmarks|logs|checkpoints)/|/(\.lock|provenance\.json|report\.html|made_by\.json|timings\.html|versions\.html)$"
)


def call(*command, cwd=ROOT, **variables):
    """Run a command, give what it says, and show all of it where it fails."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}{done.stderr[-6000:]}"
    return done.stdout.strip()


def results_of(folder):
    """List the bytes of all results of a run that another run must repeat."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(files)
        if not NOT_COMPARED.search(f"/{path.relative_to(folder)}")
    }


def require_same_results(one, other):
    """Compare two runs file by file, and say how many files that were."""
    first, second = results_of(one), results_of(other)
    assert sorted(first) == sorted(second)
    assert [name for name, content in first.items() if content != second[name]] == []
    assert any(name.endswith("stage2/metrics.json") for name in first)
    print(f"{len(first)} files with the same bytes, {sum(map(len, first.values())) / 1e6:.1f} MB")


def new_folder(base, name, experiment=EXPERIMENT):
    """Make a working folder for an experiment; the demo's needs no configuration of its own."""
    folder = base / name
    folder.mkdir()
    if experiment == "tiny":
        (folder / "config.yaml").write_text(CONFIGURATION, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def clone(work):
    """Clone the project, so that only what is committed is built and run."""
    call("git", "clone", "-q", ROOT, work / "clone")
    return work / "clone"


@dataclass(frozen=True)
class Engine:
    """Hold a container engine, and what it needs on this machine."""

    name: str
    build_options: tuple[str, ...]
    run_options: tuple[str, ...]

    def run(self, image, *command, options=()):
        return call(self.name, "run", "--rm", *self.run_options, *options, image, *command)


@pytest.fixture(scope="session")
def engine():
    name = call(HERE / "container_engine.sh").splitlines()[-1]
    if name == "docker":
        return Engine(name, (), ("--network", "none"))
    options = ["--network", "none", "--no-healthcheck"]
    base = call(HERE / "base_image.sh", name).splitlines()[-1]
    if subprocess.run([name, "run", "--rm", *options, base, "true"], capture_output=True).returncode:
        # Inside another container limits can only be lowered.
        options += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
    return Engine(name, ("--isolation", "chroot", *pip_mounts()), tuple(options))


def pip_mounts():
    """Let the build use this machine's pip settings: certificates, mirrors and folders of wheels."""
    said = call(sys.executable, "-m", "pip", "config", "debug") + call(sys.executable, "-m", "pip", "config", "list")
    files = re.findall(r"^ +(/\S+), exists: True$", said, re.MULTILINE)
    named = re.findall(r"(?:file://)?(/[\w./-]+)", call(sys.executable, "-m", "pip", "config", "list"))
    paths = {Path(path) for path in [*files, *(re.sub("/simple/?$", "", path) for path in named)]}
    return [part for path in sorted(paths) if path.exists() for part in ("--volume", f"{path}:{path}:ro")]


@pytest.fixture(scope="session")
def apptainer(work):
    """Put an apptainer on the path."""
    folder = call(HERE / "apptainer.sh").splitlines()[-1]
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    os.environ["LANDMARKS_HOST_FOLDERS"] = str(work.parent)
    return shutil.which("apptainer")


def make_image(clone, engine):
    """Build the CPU image by the project's own rule, and give its name."""
    base = call(HERE / "base_image.sh", engine.name).splitlines()[-1]
    options = (f"ENGINE={engine.name}", f"CPU_BASE={base}", f"BUILD_OPTIONS={' '.join(engine.build_options)}")
    call("make", "image-cpu", *options, cwd=clone)
    return f"localhost/landmark-discovery:{call('make', '-s', 'image-tags', cwd=clone).split()[0]}"


@pytest.fixture(scope="session")
def image(clone, engine):
    return make_image(clone, engine)


@pytest.fixture(scope="session")
def sif(clone, engine, image, apptainer):
    """Convert the image, which is built already."""
    assert apptainer is not None
    path = clone / "docker" / f"landmark-discovery-{image.rsplit(':')[-1]}.sif"
    call("docker/sif.sh", engine.name, image, path, cwd=clone)
    return path


@pytest.fixture(scope="session")
def host(work):
    """Make an environment that can plan and submit, and do nothing else."""
    call(sys.executable, "-m", "venv", work / "host")
    call(work / "host" / "bin" / "pip", "install", "--quiet", "--requirement", ROOT / "envs" / "requirements-host.txt")
    return work / "host" / "bin"


@pytest.fixture(scope="session")
def reference(work, clone):
    """Run the experiment without a container, in the locked environment."""
    folder = new_folder(work, "reference")
    call(BIN / "snakemake", "--snakefile", clone / "Snakefile", "--cores", 2, cwd=folder, **own_code(clone, folder))
    return folder


def own_code(clone, folder):
    """Give the variables that make an environment run the clone's package, and keep caches in the working folder."""
    return {"PYTHONPATH": str(clone / "src"), "XDG_CACHE_HOME": str(folder / ".cache")}
