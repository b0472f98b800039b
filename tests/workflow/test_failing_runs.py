"""Wrong inputs through the whole workflow: its last lines say what was wrong, and nothing half-written stays."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path):
    """Run the workflow on a folder of four images, and give its exit status and what it said."""
    (tmp_path / "mine.yaml").write_text("experiment: mine\ndataset: {kind: folder, name: mine, path: images}\n")
    (tmp_path / "images").mkdir()
    for index in range(4):
        noise = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{index}.png"), noise)

    def snakemake(*arguments):
        command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--cores", "1", "--configfile", "mine.yaml"]
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / ".snakemake" / "cache")}
        result = subprocess.run([*command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr

    return snakemake


def test_the_fault_stands_in_the_last_lines_and_at_the_end_of_the_log_they_name(run, tmp_path):
    (tmp_path / "images" / "bad.jpg").write_bytes(b"text")
    status, said = run()
    assert status == 1
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines()[-8:] if line.startswith("error: ")]
    message, log = line.removesuffix("]").split(" [")
    assert message.startswith(
        "error: images/bad.jpg: not a JPEG, PNG, BMP, WebP or TIFF image; replace or remove the file"
    )
    assert (tmp_path / log).read_text(encoding="utf-8").splitlines()[-1] == message
    assert not list(tmp_path.glob("resources/stores/*"))


def test_a_run_goes_on_without_bad_images_where_the_user_wants_so(run, tmp_path):
    (tmp_path / "images" / "bad.jpg").write_bytes(b"text")
    status, said = run("--config", "dataset={on_bad_image: skip}", "--until", "prepare")
    assert status == 0
    assert "left out: images/bad.jpg: not a JPEG" in said
    assert "1 of 5 images left out" in said


@pytest.mark.parametrize("folder", ["results", "resources"])
def test_a_file_in_the_place_of_a_folder_is_refused_before_anything_runs(run, tmp_path, folder):
    (tmp_path / folder).touch()
    status, said = run()
    assert status == 1
    last = said.splitlines()[-1]
    assert last.startswith(f"error: {folder}/")
    assert f"can't be written ({folder} is a file, not a folder); " in last


def test_a_gpu_that_is_not_there_stops_the_step_that_needs_it(run, tmp_path):
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("there is a GPU")
    status, said = run("--config", "device=cuda", "--until", "train_stage1")
    assert status == 1
    assert "error: device: this step wants a GPU and sees none" in "\n".join(said.splitlines()[-8:])
    assert not list(tmp_path.glob("results/mine/stage1/*"))
