"""The image as it is built, and the workflow inside it and driven from outside."""

import json
import os
import re
import time

import pytest
from conftest import EXPERIMENT, call, make_image, new_folder, require_same_results

pytestmark = pytest.mark.containers

MB = 1e6
WORKFLOW = "/opt/landmark-discovery/Snakefile"
# Data, weights, secrets, and what only builds need.
FORBIDDEN = re.compile(
    r"\.(safetensors|pth|pt|ckpt|npz|onnx|sif|jpg|jpeg)$|/\.(git|ssh|netrc|env)(/|$)|id_rsa|/pip\.conf$|\.pypirc$"
    r"|/bin/(gcc|g\+\+|cc|ld|make|pip3?)$|/(root|tmp)/.+|/\.cache/|/var/lib/apt/lists/.+|\.whl$"
)
# Tables and pictures of libraries, the names of folders with packages, and the weights that everybody may pass on.
ALLOWED = re.compile(
    r"/site-packages/(matplotlib|scipy)/|/site-packages/[^/]+\.pth$"
    r"|^/opt/package/landmark_discovery/bootstrap/superpoint_open\.safetensors$"
)


def test_the_image_is_small(image, engine):
    size = int(call(engine.name, "image", "inspect", "--format", "{{.Size}}", image))
    print(f"image: {size / MB:.0f} MB")
    assert size <= 2000 * MB


def test_the_file_for_apptainer_is_small(sif):
    print(f"SIF: {sif.stat().st_size / MB:.0f} MB")
    assert sif.stat().st_size <= 700 * MB


def test_the_image_says_what_it_is(image, engine, clone):
    labels = json.loads(call(engine.name, "image", "inspect", "--format", "{{json .Config.Labels}}", image))
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}revision"] == call("git", "rev-parse", "HEAD", cwd=clone)
    assert labels[f"{prefix}licenses"] == "MIT"
    assert image.rpartition(":")[2].startswith(labels[f"{prefix}version"])


def test_no_data_no_weights_no_secrets_and_nothing_for_building_is_in_the_image(image, engine):
    options = ("--user", "0", "--entrypoint", "")
    files = engine.run(image, "find", "/", "-xdev", "-type", "f", "-size", "+0", options=options).splitlines()
    assert f"{WORKFLOW}" in files
    assert [name for name in files if FORBIDDEN.search(name) and not ALLOWED.search(name)] == []
    print(f"{len(files)} files in the image")


def test_the_bill_of_materials_names_every_locked_package_that_is_there(image, engine, clone):
    folder = "/usr/share/landmark-discovery/bill-of-materials"
    bill = json.loads(engine.run(image, "cat", f"{folder}/python.cdx.json"))
    found = {part["name"].lower().replace("_", "-"): part["version"] for part in bill["components"]}
    locked = dict(
        line.lower().replace("_", "-").split("==")
        for line in (clone / "envs" / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert {name: version for name, version in found.items() if locked.get(name, version) != version} == {}
    assert {"torch", "faiss-cpu", "numpy", "snakemake"} <= set(found)
    assert "libc6" in engine.run(image, "cat", f"{folder}/debian.tsv")
    print(f"{len(found)} Python packages in the bill of materials")


def test_a_change_of_the_source_rebuilds_only_the_last_layers(image, engine, clone):
    source = clone / "src" / "landmark_discovery" / "errors.py"
    before = source.read_text(encoding="utf-8")
    source.write_text(before + "\n# another line\n", encoding="utf-8")
    started = time.monotonic()
    try:
        make_image(clone, engine)
        print(f"rebuilt after a change of the source in {time.monotonic() - started:.0f} s")
        layers = call(engine.name, "image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
    finally:
        source.write_text(before, encoding="utf-8")
        make_image(clone, engine)
    rebuilt = call(engine.name, "image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
    same = [one == other for one, other in zip(json.loads(layers), json.loads(rebuilt), strict=True)]
    # Base, Debian's packages, environment, bill of materials and workflow; then the package.
    assert same[:4] == [True] * 4
    assert False in same


def test_the_container_tells_what_it_sees(image, engine):
    said = engine.run(image, "landmarks", "doctor", options=("--read-only", "--user", "4242:4242"))
    assert "in a container" in said
    assert "none that torch can use" in said
    assert "MISSING" not in said


def test_a_step_that_wants_a_gpu_fails_in_seconds_where_there_is_none(image, engine):
    started = time.monotonic()
    with pytest.raises(AssertionError, match="this step wants a GPU and sees none"):
        engine.run(image, "landmarks-on-gpus", "1", "landmarks", "doctor")
    print(f"refused after {time.monotonic() - started:.1f} s")


def test_the_whole_workflow_runs_inside_as_anybody_with_a_read_only_root(image, engine, work, reference):
    """Another user, folder, language, time zone and number of cores than the reference."""
    folder = new_folder(work, "inside")
    folder.chmod(0o777)
    options = (
        *("--read-only", "--tmpfs", "/tmp", "--user", "4242:4242", "--volume", f"{folder}:/elsewhere"),
        *("--workdir", "/elsewhere", "--env", "TZ=Pacific/Apia", "--env", "LC_ALL=C"),
    )
    engine.run(
        image, "taskset", "--cpu-list", "0", "snakemake", "--snakefile", WORKFLOW, "--cores", "1", options=options
    )
    assert {path.stat().st_uid for path in (folder / "results" / EXPERIMENT).iterdir()} == {4242}
    require_same_results(reference, folder)


@pytest.mark.usefixtures("sif")
def test_every_step_runs_in_the_container_from_a_host_without_the_packages(host, clone, work, reference):
    folder = new_folder(work, "from outside")
    variables = {"PATH": f"{host}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": ""}
    missing = "import importlib.util; print(*(map(importlib.util.find_spec, ['torch', 'faiss', 'cv2'])))"
    assert call(host / "python", "-c", missing) == "None None None"
    assert not (host / "landmarks").exists()
    command = (host / "snakemake", "--snakefile", clone / "Snakefile", "--cores", 2, "--use-singularity")
    call(*command, cwd=folder, **variables)
    made_by = json.loads((folder / "results" / EXPERIMENT / "stage1" / "made_by.json").read_text(encoding="utf-8"))
    versions = made_by["versions"]
    print(f"trained by Python {versions['Python']}, planned by {call(host / 'python', '--version')}")
    require_same_results(reference, folder)
