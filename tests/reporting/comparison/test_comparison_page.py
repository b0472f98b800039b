import csv
import io
import json
import shutil

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.comparison.page import write_comparison
from landmark_discovery.reporting.comparison.runs import read_runs


def metrics_of(folder, stage=2):
    return json.loads((folder / "evaluation" / f"stage{stage}" / "metrics.json").read_text(encoding="utf-8"))


def test_a_line_a_run_with_the_figures_of_its_metrics(tmp_path, make_run):
    runs = [make_run("a"), make_run("b", seed=2, factor=2)]
    write_comparison(tmp_path / "out", runs)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "compare.csv").read_text(encoding="utf-8"))))
    assert [row["run"] for row in rows] == ["a", "b"]
    for row, folder in zip(rows, runs, strict=True):
        assert float(row["forward_nme_stage2"]) == metrics_of(folder)["forward_nme"]
        assert float(row["backward_nme_stage1"]) == metrics_of(folder, 1)["backward_nme"]
        assert float(row["training_seconds"]) == 130
    assert [row["seed"] for row in rows] == ["1993", "2"]


def test_seeds_of_one_configuration_have_a_mean_and_a_spread(tmp_path, make_run):
    runs = [make_run("a"), make_run("b", seed=2, factor=1.1), make_run("c", recipe="paper", factor=2)]
    said = write_comparison(tmp_path / "out", runs)
    value = metrics_of(runs[0])["forward_nme"]
    mean, deviation = 1.05 * value, 0.1 * value / 2**0.5
    assert f"a and 1 more run  {mean:.2f} +- {deviation:.2f} (n = 2)" in said
    assert "n = 1 has no spread" in said
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert f"{mean:.2f} ± {deviation:.2f} (n = 2)" in page
    assert '<th scope="row">recipe</th><td>short</td><td>short</td><td>paper</td>' in page
    assert said.isascii()


def test_the_page_overlays_the_curves_of_all_runs(tmp_path, make_run):
    write_comparison(tmp_path / "out", [make_run("a"), make_run("b", seed=2)])
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    start = page.index('id="plots">') + len('id="plots">')
    plots = json.loads(page[start : page.index("</script>", start)])
    assert set(plots) == {f"{direction}-stage{stage}-plot" for direction in ("forward", "backward") for stage in (1, 2)}
    assert all([trace["name"] for trace in plot["traces"]] == ["a", "b"] for plot in plots.values())


def test_figures_of_another_protocol_are_refused_or_said_loudly(tmp_path, make_run, change_metrics):
    runs = [make_run("a"), make_run("b", seed=2)]
    change_metrics(runs[1], 2, lambda old: {**old, "normalizer": "0-2"})
    with pytest.raises(UserError, match="they differ in what errors are divided by; compare runs of one data set"):
        write_comparison(tmp_path / "out", runs)
    assert not (tmp_path / "out").exists()
    said = write_comparison(tmp_path / "out", runs, anyway=True)
    assert "NOT COMPARABLE: they differ in what errors are divided by" in said
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "Not comparable." in page
    assert 'id="differences"' not in page


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("ground_truth", "whether there are true points"),
        ("normalizer", "what errors are divided by"),
        ("frame", "the pixels that errors are measured in"),
        ("size_px", "the size of the images"),
        ("num_true_points", "the number of true points"),
        ("num_train_images", "the training images"),
        ("num_test_images", "the test images"),
        ("settings", "the protocol"),
    ],
)
def test_runs_are_refused_that_differ_in_what_gives_figures_their_meaning(
    tmp_path, make_run, change_metrics, key, words
):
    runs = [make_run("a"), make_run("b", seed=2)]
    assert key in metrics_of(runs[1])
    change_metrics(runs[1], 2, lambda old: {**old, key: "another"})
    with pytest.raises(UserError, match=f"they differ in {words};"):
        write_comparison(tmp_path / "out", runs)


def test_another_data_set_is_refused(tmp_path, make_run):
    runs = [make_run("a"), make_run("b", dataset={"name": "boats", "kind": "folder", "path": "/data/boats"})]
    with pytest.raises(UserError, match=r"the data set \(boats, squares\)"):
        write_comparison(tmp_path / "out", runs)


def test_runs_without_ground_truth_are_compared_by_what_needs_none(tmp_path, run_without_truth):
    runs = [shutil.copytree(run_without_truth, tmp_path / name) for name in ("a", "b")]
    said = write_comparison(tmp_path / "out", runs)
    assert "undefined" in said
    assert 'id="curves"' not in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")


def test_labels_are_as_long_as_it_takes_to_tell_runs_apart(tmp_path, make_run):
    first = make_run("a")
    second = shutil.copytree(first, tmp_path / "elsewhere" / "a")
    assert [run.label for run in read_runs([first, second])] == ["results/a", "elsewhere/a"]


@pytest.mark.parametrize("count", [0, 1])
def test_one_run_alone_is_refused(tmp_path, make_run, count):
    with pytest.raises(UserError, match="give the folders of two or more finished runs"):
        write_comparison(tmp_path / "out", [make_run("a")][:count])


def test_the_same_run_twice_is_refused(tmp_path, make_run):
    folder = make_run("a")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UserError, match="the same run twice; give each run once"):
        write_comparison(tmp_path / "out", [folder, tmp_path / "link"])


def test_a_folder_that_is_no_run_is_refused(tmp_path, make_run):
    (tmp_path / "nothing").mkdir()
    for name in ("nothing", "absent"):
        with pytest.raises(UserError, match=rf"{name}: no results of a run \(config\.yaml is missing\)"):
            write_comparison(tmp_path / "out", [make_run(name + "-beside"), tmp_path / name])


@pytest.mark.parametrize("name", ["stage2/metrics.json", "stage1/predictions.npz"])
def test_a_run_that_is_not_finished_is_refused(tmp_path, make_run, name):
    folder = make_run("a")
    (folder / "evaluation" / name).unlink()
    with pytest.raises(UserError, match=rf"a: the run isn't finished \(evaluation/{name} is missing\)"):
        write_comparison(tmp_path / "out", [make_run("b"), folder])


def test_a_training_of_which_a_step_was_not_measured_has_no_time(tmp_path, make_run):
    folder = make_run("a")
    (folder / "benchmarks" / "train_stage2.tsv").unlink()
    assert [run.training_seconds for run in read_runs([folder, make_run("b")])] == [None, 130]
    (folder / "benchmarks" / "train_stage1.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a benchmark of Snakemake"):
        read_runs([folder, tmp_path / "results" / "b"])


def test_names_of_folders_are_words_and_never_run(tmp_path, small_run):
    runs = [shutil.copytree(small_run, tmp_path / name) for name in ("<b>x", "y")]
    write_comparison(tmp_path / "out", runs)
    assert "<b>x" not in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
