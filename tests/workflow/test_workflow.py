import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
FAKE = Path(__file__).with_name("fake_landmarks.py")

pytestmark = pytest.mark.slow


class Project:
    """A working folder in which the workflow runs with a stand-in for the command `landmarks`."""

    def __init__(self, folder):
        self.folder = folder
        self.commands = folder / "bin"
        self.commands.mkdir()
        self.replace_landmarks(FAKE.read_text(encoding="utf-8"))
        self.run_folder = folder / "run"
        self.run_folder.mkdir()
        (self.run_folder / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())

    def replace_landmarks(self, source):
        script = self.commands / "landmarks"
        script.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
        script.chmod(0o755)

    def snakemake(self, *arguments):
        environment = {
            **os.environ,
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--cores", "2", *arguments]
        return subprocess.run(command, cwd=self.run_folder, env=environment, capture_output=True, text=True)

    def planned(self, *arguments):
        """Count the jobs by rule that a run with these arguments would start."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stderr
        output = result.stdout + result.stderr
        table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)^total", output, re.DOTALL | re.MULTILINE)
        if table is None:
            assert "Nothing to be done" in output
            return {}
        rows = (line.split() for line in table.group(1).splitlines())
        return {rule: int(count) for rule, count in rows if rule != "everything"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("workflow"))
    result = project.snakemake()
    assert result.returncode == 0, result.stderr
    return project


REPORT = {"configuration": 1, "model_card": 1, "provenance": 1, "report": 1}


def test_a_run_writes_every_result_under_its_name(finished):
    results = finished.run_folder / "results" / "demo"
    for stage in (1, 2):
        evaluation = results / "evaluation" / f"stage{stage}"
        names = {path.name for path in evaluation.iterdir()}
        curves = {f"{way}_curve.{kind}" for way in ("forward", "backward") for kind in ("csv", "png", "svg")}
        assert names == {"predictions.npz", "metrics.json", *curves}
        assert (results / f"stage{stage}" / "weights.safetensors").is_file()
    assert (results / "pseudo_groundtruth.npz").is_file()


def test_a_run_writes_nowhere_else(finished):
    names = {path.name for path in finished.run_folder.iterdir()}
    assert names == {"config.yaml", "results", "resources", ".snakemake"}


def test_a_finished_run_has_nothing_to_do(finished):
    assert finished.planned() == {}


def test_the_written_configuration_repeats_the_run(finished):
    assert finished.planned("--configfile", "results/demo/config.yaml") == {}


@pytest.mark.parametrize(
    ("deleted", "maker"),
    [
        ("report.html", "report"),
        ("config.yaml", "configuration"),
        ("provenance.json", "provenance"),
        ("pseudo_groundtruth.npz", "export_pseudo_groundtruth"),
        ("model/model.safetensors", "package_model"),
        ("stage1/weights.safetensors", "train_stage1"),
        ("stage1/rounds.csv", "train_stage1"),
        ("stage1/rounds/round_00.png", "train_stage1"),
        ("stage2/training_log.csv", "train_stage2"),
        ("stage2/made_by.json", "train_stage2"),
        ("evaluation/stage1/predictions.npz", "predict"),
        ("evaluation/stage2/metrics.json", "evaluate"),
        ("evaluation/stage2/backward_curve.csv", "evaluate"),
        ("evaluation/stage2/forward_curve.png", "plot_curves"),
        ("pictures/bootstrap.png", "draw_keypoints"),
        ("pictures/stage1_rounds.svg", "plot_training"),
        ("pictures/stage2/galleries.png", "draw_pictures"),
    ],
)
def test_a_deleted_result_is_made_again_by_the_same_command(finished, deleted, maker):
    path = finished.run_folder / "results" / "demo" / deleted
    hidden = path.rename(path.with_name("hidden"))
    try:
        assert finished.planned()[maker] == 1
    finally:
        hidden.rename(path)
    assert finished.planned() == {}


def test_a_run_brings_deleted_results_back_and_is_done_then(tmp_path):
    project = Project(tmp_path)
    assert project.snakemake().returncode == 0
    results = project.run_folder / "results" / "demo"
    deleted = [results / name for name in ("stage1/rounds.csv", "evaluation/stage2/metrics.json", "config.yaml")]
    for path in deleted:
        path.unlink()
    again = project.snakemake()
    assert again.returncode == 0, again.stderr
    assert "results/demo/stage1/rounds.csv is gone; stage 1 is trained again" in again.stderr
    assert [path for path in deleted if not path.is_file()] == []
    assert project.planned() == {}


def test_a_lost_log_trains_nothing_where_something_before_it_is_asked_for(finished):
    log = finished.run_folder / "results" / "demo" / "stage2" / "training_log.csv"
    hidden = log.rename(log.with_name("hidden"))
    try:
        assert finished.planned("results/demo/pseudo_groundtruth.npz") == {}
        assert finished.planned("--until", "prepare") == {}
    finally:
        hidden.rename(log)


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ("evaluation={repeats: 3}", {"evaluate": 2, "plot_curves": 4}),
        ("report={grid_images: 3}", {"draw_pictures": 2, "draw_keypoints": 1}),
        ("bootstrap={superpoint_nms_px: 9}", {}),
        (
            "stage2={iterations: 7}",
            {
                "train_stage2": 1,
                "predict": 1,
                "package_model": 1,
                "evaluate": 1,
                "plot_curves": 2,
                "draw_pictures": 1,
                "plot_training": 1,
            },
        ),
    ],
)
def test_a_changed_key_reruns_what_depends_on_it_and_nothing_else(finished, change, jobs):
    assert finished.planned("--config", change) == {**REPORT, **jobs}


def test_a_dry_run_says_which_key_changed(finished):
    result = finished.snakemake("--dry-run", "--config", "evaluation={repeats: 3}")
    reasons = [line for line in (result.stdout + result.stderr).splitlines() if "Reason: Params have changed" in line]
    assert any("before: 'evaluation.repeats=10' now: 'evaluation.repeats=3'" in line for line in reasons)
    assert max(map(len, reasons)) < 250


def test_a_sweep_shares_data_and_keypoints(finished):
    jobs = finished.planned("--config", "sweep={num_landmarks: [5, 10], seed: [1, 2]}")
    assert not {"synthesize", "prepare", "bootstrap"} & set(jobs)
    assert (jobs["train_stage1"], jobs["train_stage2"], jobs["report"]) == (4, 4, 4)


def test_superpoint_asks_for_its_weights(finished):
    jobs = finished.planned("--config", "bootstrap={detector: superpoint}")
    assert (jobs["download"], jobs["bootstrap"]) == (1, 1)
    assert "synthesize" not in jobs


def test_the_packages_own_weights_are_no_download(finished):
    jobs = finished.planned("--config", "bootstrap={detector: superpoint-open, max_keypoints: 29}")
    assert jobs["bootstrap"] == 1
    assert not {"download", "synthesize", "prepare"} & set(jobs)


def test_a_sweep_of_detectors_shares_the_images(finished):
    sweep = "sweep={bootstrap: [{detector: sift}, {detector: superpoint-open}], seed: [1, 2, 3]}"
    jobs = finished.planned("--config", sweep)
    # The keypoints of superpoint-open are there.
    assert (jobs["bootstrap"], jobs["train_stage1"], jobs["report"]) == (1, 6, 6)
    assert not {"synthesize", "prepare"} & set(jobs)


def test_a_file_on_the_command_line_takes_the_place_of_config_yaml(finished):
    (finished.run_folder / "results" / "mine.yaml").write_text("experiment: mine\nrecipe: paper\n", encoding="utf-8")
    jobs = finished.planned("--configfile", "results/mine.yaml")
    assert jobs["download"] == 1
    (finished.run_folder / "results" / "mine.yaml").unlink()


def write_own_images(project):
    """Write a folder of one image and an experiment on it; give the folder."""
    images = project.folder / "images"
    images.mkdir()
    (images / "a.png").write_bytes(b"1")
    (project.run_folder / "results").mkdir()
    configuration = project.run_folder / "results" / "mine.yaml"
    configuration.write_text(
        "experiment: mine\nbootstrap: {detector: sift}\nevaluation: {normalizer: landmark-box}\n"
        f"dataset: {{kind: folder, name: cats, path: {images}}}\n"
    )
    return images


def test_true_points_that_are_added_or_corrected_train_nothing_again(tmp_path):
    project = Project(tmp_path)
    points = write_own_images(project) / "landmarks.csv"
    arguments = ("--configfile", "results/mine.yaml")
    measured = {"annotate": 1, "evaluate": 2, "plot_curves": 4, "model_card": 1, "provenance": 1, "report": 1}
    for content in (None, "image,x0,y0\na.png,1,2\n", "image,x0,y0\na.png,1,3\n"):
        if content:
            points.write_text(content)
            assert project.planned(*arguments) == measured
        result = project.snakemake(*arguments)
        assert result.returncode == 0, result.stderr
        assert project.planned(*arguments) == {}
    points.unlink()
    assert project.planned(*arguments) == measured


def test_new_images_in_a_folder_are_prepared_anew(tmp_path):
    project = Project(tmp_path)
    images = write_own_images(project)
    store = "resources/stores"
    arguments = ("--configfile", "results/mine.yaml", "--until", "prepare")
    assert project.snakemake(*arguments).returncode == 0
    assert [path.name.split("-")[0] for path in (project.run_folder / store).iterdir()] == ["cats"]
    assert project.planned(*arguments) == {}
    (images / "a.png").write_bytes(b"22")
    assert Counter(project.planned(*arguments)) == {"prepare": 1}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("sead=3", "error: config.yaml: unknown key 'sead'; did you mean 'seed'?"),
        ("stage1={iteratons: 3}", "error: config.yaml: unknown key 'stage1.iteratons'; did you mean 'iterations'?"),
        ("num_landmarks=many", "error: config.yaml: num_landmarks is 'many'; allowed: a whole number of at least 2"),
        ("recipe=paper", "error: config.yaml: recipe changes nothing here"),
        ("dataset={kind: folder, path: none}", "error: config.yaml: dataset.path is 'none', which is no folder"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line_before_anything_runs(tmp_path, change, line):
    project = Project(tmp_path)
    result = project.snakemake("--config", change)
    assert result.returncode != 0
    assert [one for one in result.stderr.splitlines() if one.startswith(line)]
    assert "Traceback" not in result.stderr
    assert not (project.run_folder / "results").exists()


def test_a_failing_step_stops_the_run_and_shows_why(tmp_path):
    project = Project(tmp_path)
    project.replace_landmarks("import sys\nsys.exit('error: disk full')")
    result = project.snakemake()
    assert result.returncode != 0
    assert "error: disk full" in result.stdout + result.stderr
    assert not list(project.run_folder.glob("results/*/report.html"))


def test_checkpoints_go_when_what_they_led_to_is_noted_and_not_with_another_success(tmp_path):
    project = Project(tmp_path)
    state = [
        project.run_folder / f"results/demo/stage{stage}/checkpoints/key/000000100.safetensors" for stage in (1, 2)
    ]
    for path in state:
        path.parent.mkdir(parents=True)
        path.write_text("hours of work")

    def kept_after(*arguments):
        result = project.snakemake(*arguments)
        assert result.returncode == 0, result.stderr
        return [path.is_file() for path in state]

    assert kept_after("--until", "prepare") == [True, True]
    assert kept_after("--until", "train_stage1") == [False, True]
    assert kept_after() == [False, False]
