import json
import math

import pytest
import torch

from benchmarks import suite, timing, training
from benchmarks.figures import Variant, cost
from benchmarks.machine import cpu_count
from benchmarks.speed import Options, measure_speed
from benchmarks.suite import NAMES, list_jobs, variants_on
from landmark_discovery.data.store import write_store
from landmark_discovery.errors import UserError

CPU = torch.device("cpu")
TINY = Options(
    small=True,
    device="cpu",
    budget_s=3600,
    assignments=("model.width=16", "model.depth=1", "model.norm_groups=2", "model.input_size_px=32"),
)


def tiny(**changes):
    return Options(**{**vars(TINY), **changes})


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    for module in (timing, training):
        monkeypatch.setattr(module, "MOST_REPEATS", 3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Give the folder of a run of every measurement."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        for module in (timing, training):
            patch.setattr(module, "MOST_REPEATS", 3)
        measure_speed(folder, TINY)
    return folder


@pytest.fixture
def written(whole):
    return json.loads((whole / "benchmarks.json").read_text())


def names_of(tree):
    return {figure["name"] for figure in tree["figures"]}


def test_every_measurement_of_a_cpu_gives_figures(written):
    assert list(written["missing"]) == ["stage1-streamed (float32, plain)"]
    expected = {
        "matrix product",
        "copy on the device",
        "network forward",
        "network forward + backward",
        "stage 1: iterations",
        "stage 1: images",
        "stage 1: device waits for data",
        "new pseudo-ground-truth, detection with mirror images",
        "new pseudo-ground-truth, clustering",
        "stage 2: iterations",
        "prediction of stage 2 with mirror images",
        "evaluation, all landmarks found",
        "evaluation, 5 % of landmarks missing",
        "stage 1: peak host memory",
        "stage 1: convolutions' operations against the matrix product",
        "stage 1: convolutions' traffic against the copy",
    }
    assert expected <= names_of(written)


def test_each_figure_has_finite_values_with_their_median_and_spread(written):
    for figure in written["figures"]:
        values = figure["values"]
        assert all(math.isfinite(value) for value in values)
        assert (figure["lowest"], figure["highest"]) == (min(values), max(values))
        assert figure["lowest"] <= figure["median"] <= figure["highest"]
        assert len(values) == (1 if "peak" in figure["name"] else 3)
        assert figure["name"].endswith("waits for data") or figure["lowest"] > 0
    keys = [(figure["name"], figure["precision"], figure["path"]) for figure in written["figures"]]
    assert len(set(keys)) == len(keys)


def test_images_are_two_an_iteration_and_pair(written):
    medians = {figure["name"]: figure["median"] for figure in written["figures"]}
    assert written["workload"]["batch_pairs"] == 2
    assert medians["stage 1: images"] == pytest.approx(4 * medians["stage 1: iterations"])
    assert medians["stage 2: images"] == pytest.approx(
        written["workload"]["stage2_batch"] * medians["stage 2: iterations"]
    )


def test_the_device_waits_while_it_does_not_work_on_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "logged_seconds", lambda *_: (2.0, 4.0))
    monkeypatch.setattr(training, "repeated_seconds", lambda *_: (1.0, 1.0, 7.0))
    figures = measure_speed(tmp_path, tiny(only=("stage1",))).figures
    waiting = next(figure for figure in figures if figure.name == "stage 1: device waits for data")
    assert waiting.values == (0.5, 0.75)


def test_machine_versions_and_workload_are_recorded(written):
    assert written["machine"]["device"] == "cpu"
    assert written["machine"]["cpu_count"] == cpu_count()
    assert written["versions"]["torch"] == torch.__version__
    assert written["workload"]["images"] == 40
    assert written["workload"]["model"]["width"] == 16


def test_the_table_shows_every_figure_and_what_is_missing(whole, written):
    table = (whole / "benchmarks.md").read_text()
    for figure in written["figures"]:
        assert f"| {figure['name']} | {figure['unit']} |" in table
    assert "stage1-streamed (float32, plain): the images lie" in table
    assert "| float32, plain |" in table


def test_an_earlier_report_is_compared_with(whole, tmp_path):
    options = tiny(only=("limits",), against=whole / "benchmarks.json")
    measure_speed(tmp_path, options)
    table = (tmp_path / "benchmarks.md").read_text()
    assert "of 2 figures" in table
    assert "- stage 1: images (float32, plain)" in table.split("Measured before, not now")[1]


def test_when_the_time_is_over_the_report_says_what_it_lacks(tmp_path):
    report = measure_speed(tmp_path, tiny(budget_s=0))
    assert not report.figures
    assert set(report.missing.values()) == {"no time left"}
    assert len(report.missing) == len(NAMES)


def test_a_measurement_that_fails_is_named_and_the_others_go_on(tmp_path, monkeypatch):
    def fail(_):
        raise MemoryError("too\nmuch")

    monkeypatch.setitem(suite.COMMON, "limits", fail)
    monkeypatch.setitem(suite.COMMON, "clustering", lambda _: [cost("clustering", "s", [1])])
    report = measure_speed(tmp_path, tiny(only=("limits", "clustering")))
    assert report.missing == {"limits": "failed, MemoryError: too much"}
    assert [figure.name for figure in report.figures] == ["clustering"]


def test_a_run_that_is_cut_off_has_left_what_was_measured_before(tmp_path, monkeypatch):
    def cut_off(_):
        raise KeyboardInterrupt

    monkeypatch.setitem(suite.COMMON, "limits", lambda _: [cost("first", "s", [1])])
    monkeypatch.setitem(suite.COMMON, "clustering", cut_off)
    with pytest.raises(KeyboardInterrupt):
        measure_speed(tmp_path, tiny(only=("limits", "clustering")))
    assert names_of(json.loads((tmp_path / "benchmarks.json").read_text())) == {"first"}


def test_a_prepared_store_takes_the_place_of_drawn_images(tmp_path, build_store):
    pixels = torch.zeros(40, 36, 3, dtype=torch.uint8).numpy()
    write_store(tmp_path / "store", build_store([pixels] * 6, [(2, 3, 30, 35)] * 6))
    report = measure_speed(tmp_path / "out", tiny(only=("detection",), store=tmp_path / "store"))
    assert (report.workload["images"], report.workload["stored_width_px"]) == (6, 36)
    assert "new pseudo-ground-truth, detection with mirror images" in {figure.name for figure in report.figures}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"only": ("stage3",)}, "unknown measurement 'stage3'.*stage1"),
        ({"precisions": ("float16",)}, "unknown precision 'float16'"),
        ({"paths": ("quick",)}, "unknown path 'quick'"),
    ],
)
def test_a_misspelt_choice_is_refused_with_the_nearest_name(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        measure_speed(tmp_path, tiny(**changes))


def test_the_limits_and_the_first_variant_come_before_everything_else():
    fast, plain = Variant("bfloat16", "fast"), Variant("float32", "plain")
    jobs = [str(job) for job in list_jobs((), [fast, plain])]
    assert jobs[:3] == ["limits", "network (bfloat16, fast)", "stage1 (bfloat16, fast)"]
    assert jobs.index("evaluation") < jobs.index("network (float32, plain)")
    assert len(jobs) == len(set(jobs)) == 3 + 2 * 6


def test_a_gpu_has_every_precision_on_both_paths_and_a_cpu_one_way():
    both = variants_on(torch.device("cuda"), ("bfloat16", "tf32"), ("fast", "plain"))
    assert [str(variant) for variant in both] == [
        "bfloat16, fast",
        "tf32, fast",
        "bfloat16, plain",
        "tf32, plain",
    ]
    assert variants_on(CPU, ("bfloat16", "tf32"), ("fast", "plain")) == [Variant("float32", "plain")]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_measures_every_variant_and_streams(tmp_path):
    report = measure_speed(tmp_path, tiny(device="cuda"))
    assert not report.missing
    assert {figure.variant for figure in report.figures if figure.name.startswith("stage 1, images streamed")} == set(
        variants_on(torch.device("cuda"), suite.PRECISIONS, suite.PATHS)
    )
