import math
from pathlib import Path

import pytest
import yaml

from landmark_discovery.errors import UserError
from landmark_discovery.verdict.figures import read_figures

PAPER = Path(__file__).parents[2] / "paper.yaml"

GOOD = """\
experiments: [celeba_k10, ls3d_k10]
figures:
  - id: a
    experiment: celeba_k10
    stage: 2
    evaluation: headline
    metric: forward_nme
    value: 3.19
    definition: five points
    source: a paper
    certainty: quoted
    tolerance: 0.5
    tolerance_reason: two runs differ
    sides: worse
others:
  - {method: another, experiment: ls3d_k10, metric: backward_nme, value: 2, source: a paper}
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        (tmp_path / "figures.yaml").write_text(text, encoding="utf-8")
        return read_figures(tmp_path / "figures.yaml")

    return read_text


def test_the_projects_figures_can_be_read_and_none_is_said_to_be_seen_in_the_paper():
    listed = read_figures(PAPER)
    values = {figure.id: (figure.value, figure.certainty) for figure in listed.figures}
    assert values == {
        "mafl-forward": (3.19, "quoted"),
        "mafl-backward": (4.23, "quoted"),
        "ls3d-forward": (6.53, "quoted"),
        "ls3d-backward": (6.57, "quoted"),
    }
    assert [other.value for other in listed.others] == [2.19, 2.78, 2.09, 2.62]
    assert listed.experiments == ("celeba_k10", "celeba_k30", "ls3d_k10", "ls3d_k30")


def test_each_figure_of_the_project_says_that_its_k_is_assumed_and_why_so_much_is_tolerated():
    for figure in read_figures(PAPER).figures:
        assert "don't say K; 10 is assumed" in figure.definition
        assert "docs/results.md" in figure.tolerance_reason


@pytest.mark.parametrize("figure", read_figures(PAPER).figures, ids=lambda figure: figure.id)
def test_conditions_of_the_project_are_those_of_the_protocol_that_measures_the_figure(figure):
    from landmark_discovery.evaluation.protocol import PROTOCOLS

    data = "mafl" if figure.experiment.startswith("celeba") else "ls3d"
    protocol = PROTOCOLS[f"{data}-{figure.evaluation}"]
    weight = "forward_lambda" if figure.metric == "forward_nme" else "backward_lambda"
    assert figure.conditions == {
        "normalizer": protocol.normalizer,
        "num_true_points": protocol.expected_points,
        "frame": protocol.frame,
        "size_px": protocol.size_px,
        "regression_images": protocol.regression_images,
        "one_more_image": True,
        weight: getattr(protocol, weight),
        "num_landmarks": 10,
    }


def test_the_accepted_range_is_open_below_where_only_worse_is_refused(published):
    assert published(sides="both").accepted == (2.5, 3.5)
    assert published(sides="worse").accepted == (-math.inf, 3.5)


def test_a_list_can_be_cut_down_to_some_experiments(read):
    listed = read(GOOD)
    assert listed.of(["celeba_k10"]).figures == listed.figures
    assert listed.of(["celeba_k10"]).others == ()
    assert listed.of(["ls3d_k10", "demo"]).experiments == ("ls3d_k10", "demo")
    assert listed.of(["ls3d_k10", "demo"]).figures == ()


def test_a_list_without_figures_is_a_list(read):
    assert read("experiments: [demo]\n").figures == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    stage: 2", "    stage: 3", r"line 5: stage is 3: .*less than or equal to 2; Stage"),
        ("headline", "headlines", r"line 6: evaluation is 'headlines': .*'headline' or 'curves'"),
        ("forward_nme", "forward", r"line 7: metric is 'forward': .*'forward_nme' or 'backward_nme'"),
        ("    value: 3.19", "    value: -3", r"line 8: value is -3: "),
        ("certainty: quoted", "certainty: sure", r"line 11: certainty is 'sure': .*'paper', 'quoted' or 'plot'"),
        ("sides: worse", "side: worse", r"line 14: unknown key 'side'; did you mean 'sides'\?"),
        ("    source: a paper\n    c", "    c", r"line 3: key 'source' is missing; Which text"),
        ("experiment: celeba_k10", "experiment: celeba_10", r"line 4: unknown experiment 'celeba_10'; did you mean"),
        ("experiment: ls3d_k10", "experiment: ls3d", r"line 16: unknown experiment 'ls3d'"),
        ("{method: another", "{methods: another", r"line 16: unknown key 'methods'; did you mean 'method'"),
        ("figures:\n", "figure:\n", r"line 3: unknown key 'figure'; did you mean 'figures'"),
        ("[celeba_k10, ls3d_k10]", "3", r"line 1: experiments is 3: .*; List of the experiments"),
    ],
)
def test_a_wrong_entry_is_named_by_its_line_with_what_is_valid(read, old, new, fault):
    with pytest.raises(UserError, match=fault) as caught:
        read(GOOD.replace(old, new, 1))
    assert "figures.yaml, line" in caught.value.where


def test_two_figures_of_one_id_are_refused(read):
    tree = yaml.safe_load(GOOD)
    tree["figures"] *= 2
    with pytest.raises(UserError, match=r"line \d+: figure 'a' stands in line \d+ too; give each its own id"):
        read(yaml.dump(tree, sort_keys=False))


@pytest.mark.parametrize(("text", "fault"), [("", "key 'experiments' is missing"), ("[1", "not valid YAML")])
def test_a_file_without_figures_is_refused(read, text, fault):
    with pytest.raises(UserError, match=fault):
        read(text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.yaml: can't be read \(No such file"):
        read_figures(tmp_path / "none.yaml")
