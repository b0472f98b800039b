import json

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.inference.summary import SUMMARY, BadInputs, Summary, has_summary, write_summary

VIDEO = {"name": "clip.mp4", "fps": 25.0, "frames": 40, "frames_announced": 40, "breaks_off": False}


def test_a_run_is_summed_up_in_one_line():
    assert str(Summary(500, 0, 500, 0, [], [], 0, 4.0)) == "500 images, 500 objects, 4.0 s, 125.0 images/s"
    fault = {"where": "a.png", "reason": "the file is empty"}
    line = str(Summary(1, 40, 39, 2, [VIDEO], [fault], 3, 4.1))
    assert line == "1 image, 40 frames of 1 video, 39 objects (2 images without any), 1 left out, 4.1 s, 10.0 images/s"


def test_what_is_wrong_ends_a_run_or_is_noted(capsys):
    fault = UserError("the file is empty", where="a.png", remedy="remove it")
    with pytest.raises(UserError, match="the file is empty"):
        BadInputs(skip=False)(fault)
    skipped = BadInputs(skip=True)
    skipped(fault)
    assert skipped.left_out == [{"where": "a.png", "reason": "the file is empty"}]
    assert capsys.readouterr().err == "left out: a.png: the file is empty\n"


def test_results_are_known_again_and_say_the_same_each_time(tmp_path):
    assert not has_summary(tmp_path)
    for name, seconds in (("one", 3.0), ("other", 4.0)):
        (tmp_path / name).mkdir()
        write_summary(tmp_path / name, Summary(1, 40, 41, 0, [VIDEO], [], 0, seconds), {"weights": "model"})
        assert has_summary(tmp_path / name)
    texts = [(tmp_path / name / SUMMARY).read_text(encoding="utf-8") for name in ("one", "other")]
    assert texts[0] == texts[1]
    content = json.loads(texts[0])
    assert (content["weights"], content["images"], content["videos"]) == ("model", 1, [VIDEO])


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"made_by": "somebody else"}'])
def test_a_summary_of_something_else_is_not_taken_for_ours(tmp_path, content):
    (tmp_path / SUMMARY).write_text(content, encoding="utf-8")
    assert not has_summary(tmp_path)
