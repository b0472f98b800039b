import dataclasses
import json
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, read_predictions, write_predictions
from landmark_discovery.reporting.report.inputs import read_run
from landmark_discovery.reporting.report.page import report_page, write_report

SECTIONS = [
    "overview",
    "curves",
    "landmarks",
    "galleries",
    "images",
    "rounds",
    "losses",
    "time",
    "dataset",
    "configuration",
    "provenance",
    "licences",
    "definitions",
]


class Page(HTMLParser):
    """Collect what a browser would: words outside of scripts, links, pictures, ids."""

    def __init__(self, text):
        super().__init__()
        self.words, self.links, self.pictures, self.ids, self.scripts, self._inside = [], [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self._inside = tag if tag in ("script", "style") else ""
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "img":
            self.pictures.append(attributes)
        if tag == "script":
            self.scripts.append(attributes)

    def handle_endtag(self, tag):  # noqa: ARG002
        self._inside = ""

    def handle_data(self, data):
        if not self._inside:
            self.words.append(data)


@pytest.fixture(scope="module")
def run(small_run, files_of):
    return read_run(files_of(small_run))


@pytest.fixture(scope="module")
def text(run):
    return report_page(run)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_section_is_there_and_in_the_contents(page):
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    assert set(page.links) >= {f"#{name}" for name in SECTIONS}


def test_every_link_leads_somewhere_on_the_page(page):
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_fetched(page):
    assert all(picture["src"].startswith("data:") for picture in page.pictures)
    assert all("src" not in script for script in page.scripts)


def test_every_picture_has_words_for_those_who_cannot_see_it(page):
    assert all(picture["alt"] for picture in page.pictures)


def test_the_figures_are_those_of_the_metrics(page, run):
    words = " ".join(page.words)
    for metrics in run.metrics:
        for key in ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme"):
            assert f"{metrics[key]:.4g}" in words
    for key in ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme"):
        assert f"{run.final[key]:.2f} %" in words


def test_names_of_images_are_words_and_never_run(page, text):
    assert '<script>alert("x")</script>.png' in " ".join(page.words)
    assert "<script>alert" not in text
    assert "<b>broken" not in text
    assert "<i>fast" not in text


def test_the_plots_are_data_with_the_curves(text, run):
    start = text.index('id="plots">') + len('id="plots">')
    plots = json.loads(text[start : text.index("</script>", start)])
    forward = plots["forward-plot"]["traces"]
    assert [trace["name"] for trace in forward[:2]] == ["stage 2", "stage 1"]
    assert forward[0]["y"] == pytest.approx(run.curves["forward"][0].cumulative, rel=1e-5)


def test_each_point_of_a_curve_has_words_and_a_gallery(text):
    for direction, key in (("forward", "picture"), ("backward", "gallery")):
        start = text.index(f'id="{direction}-details">') + len(f'id="{direction}-details">')
        details = json.loads(text[start : text.index("</script>", start)])
        assert len(details) >= 2
        assert sorted(details) == ["0", "1", "2"][: len(details)]
        assert all("Error" in detail["words"] and detail[key] for detail in details.values())


def test_without_ground_truth_the_page_says_so_and_shows_no_error(run_without_truth, files_of):
    page = Page(report_page(read_run(files_of(run_without_truth))))
    words = " ".join(page.words)
    assert "This data set has no true points" in words
    assert "Surest" in words
    assert "Forward error" not in words
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS


def test_curves_of_another_run_are_laid_over(small_run, files_of):
    files = files_of(small_run, beside={"<other>": small_run / "evaluation" / "stage1"})
    assert "&lt;other&gt;" in report_page(read_run(files))


def test_equal_files_give_equal_bytes(tmp_path, small_run, files_of):
    copy = shutil.copytree(small_run, tmp_path / "copy")
    for name, folder in (("a", small_run), ("b", copy)):
        write_report(tmp_path / f"{name}.html", files_of(folder))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_run_of_pretrained_weights_needs_no_training(small_run, files_of):
    files = files_of(small_run, training=(), bootstrap_picture=None, benchmarks=(), provenance=None)
    ids = Page(report_page(read_run(files))).ids
    assert "rounds" not in ids
    assert "losses" not in ids


@pytest.mark.parametrize(("option", "given"), [("evaluations", 1), ("stores", 0), ("headlines", 1), ("training", 3)])
def test_another_number_of_folders_than_there_are_stages_is_refused(small_run, files_of, option, given):
    changed = files_of(small_run, **{option: (small_run,) * given})
    with pytest.raises(UserError, match=f"is given {given} times"):
        read_run(changed)


def test_predictions_of_another_number_of_landmarks_are_refused(own_run, files_of):
    path = own_run / "evaluation" / "stage2" / "predictions.npz"
    found = read_predictions(path)
    write_predictions(path, Predictions(found.image, found.split, found.landmarks[:, :1], found.score[:, :1]))
    with pytest.raises(UserError, match="the predictions of stage 2 have 1, those of stage 1 have 2"):
        read_run(files_of(own_run))


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        "evaluation/stage2/metrics.json",
        "evaluation/stage1/predictions.npz",
        "evaluation/stage2/forward_curve.csv",
        "stage2/weights.safetensors",
        "stage1/rounds.csv",
        "bootstrap.png",
        "provenance.json",
        "store/samples.csv",
    ],
)
def test_a_missing_file_is_named_and_no_report_is_left(tmp_path, own_run, files_of, name):
    (own_run / name).unlink()
    with pytest.raises(UserError):
        write_report(tmp_path / "report.html", files_of(own_run))
    assert not (tmp_path / "report.html").exists()


def test_landmarks_of_no_image_give_a_report_all_the_same(own_run, files_of):
    path = own_run / "evaluation" / "stage2" / "predictions.npz"
    found = read_predictions(path)
    lost = np.full(found.landmarks.shape, np.nan)
    write_predictions(path, Predictions(found.image, found.split, lost, np.full(found.score.shape, np.nan)))
    metrics = json.loads((own_run / "evaluation" / "stage2" / "metrics.json").read_text())
    nothing = {"forward_nme": None, "backward_nme": None, "distinct_landmarks": 0, "detection_rate": [0.0, 0.0]}
    (own_run / "evaluation" / "stage2" / "metrics.json").write_text(json.dumps({**metrics, **nothing}))
    words = " ".join(Page(report_page(read_run(files_of(own_run)))).words)
    assert "is undefined" in words
    assert "Found in none of the test images." in words


def test_another_run_cannot_take_the_name_of_a_stage(small_run, files_of):
    files = files_of(small_run)
    with pytest.raises(UserError, match="--beside calls another run 'stage 2', as a stage of this one"):
        read_run(dataclasses.replace(files, beside={"stage 2": files.evaluations[0]}))
