import base64
import gzip
import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.errors import UserError
from landmark_discovery.export.onnx_graph import OnnxModel
from landmark_discovery.export.web_page import Example, export_page, page_text, read_example, read_runtime
from landmark_discovery.reporting.colors import landmark_colors


@pytest.fixture
def exported():
    """Stand in for an ONNX file: the page only carries its bytes."""
    about = {"data": {"name": "cats", "train_images": 1200}, "licences": ["celeba"]}
    return OnnxModel(b"the graph", 12, CutRule("margin", 0.1, 0.5, 64), 0.5, about)


@pytest.fixture
def text(exported, runtime_folder):
    return page_text(exported, read_runtime(runtime_folder))


def element(text, name):
    return re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', text, flags=re.DOTALL)[1].strip()


def unpacked(text, name):
    return gzip.decompress(base64.b64decode(element(text, name)))


def test_the_page_carries_model_and_runtime(text):
    assert unpacked(text, "model") == b"the graph"
    assert unpacked(text, "wasm") == b"\0asm\1\0\0\0"
    assert unpacked(text, "runtime").startswith(b"export const env")


def test_the_page_asks_the_network_for_nothing(text):
    assert b"sourceMappingURL" not in unpacked(text, "runtime")
    assert re.findall(r'\b(?:src|href)="(?!data:)', text) == []
    # The name of a language isn't an address.
    assert set(re.findall(r"https?://[^\"'\s<]*", text)) == {"http://www.w3.org/2000/svg"}
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "http" not in policy


def test_no_script_comes_from_a_blob_which_safari_refuses_to_a_page_that_was_opened_as_a_file(text):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    sources = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert sources["script-src"].split() == ["'unsafe-inline'", "'wasm-unsafe-eval'", "data:"]
    assert "import(`data:text/javascript" in element(text, "worker")


def test_no_slot_is_left_and_no_script_ends_early(text):
    assert not re.search(r"@@\w+@@", text)
    assert text.count("</script>") == text.count("<script")


def test_landmarks_have_the_projects_colours_and_shapes(text):
    settings = json.loads(element(text, "settings"))
    expected = ["#{:02x}{:02x}{:02x}".format(*color) for color in landmark_colors(12).tolist()]
    assert [mark["color"] for mark in settings["marks"]] == expected
    assert [mark["shape"] for mark in settings["marks"]] == ["disc"] * 10 + ["square"] * 2


def test_the_page_cuts_by_the_rule_of_the_model(text):
    settings = json.loads(element(text, "settings"))
    assert settings["rule"] == {"crop_rule": "margin", "crop_margin": 0.1, "context": 0.5, "max_crop_px": 64}
    assert settings["offsetPx"] == 0.5


def test_data_licences_and_the_runtimes_notice_stand_on_the_page(text):
    assert "12 landmarks, discovered without any annotation in 1,200 images of the data set cats" in text
    assert "The model depends on: CelebA" in text
    assert "non-commercial research only, no redistribution." in text
    assert "onnxruntime-web 9.8.7" in text
    assert "Permission is hereby granted" in text


def test_a_model_of_unknown_data_and_without_licences_says_so(exported, runtime_folder):
    text = page_text(replace(exported, num_landmarks=1, about={}), read_runtime(runtime_folder))
    assert "1 landmark, discovered without any annotation in a set of images" in text
    assert "No licence of data or bootstrap weights that limits its use is known" in text


def test_names_of_data_and_example_cannot_break_the_page(exported, runtime_folder):
    about = {"data": {"name": "</script><b>", "train_images": 5}, "licences": []}
    example = Example("</script>.png", b"bytes", (1.0, 2.0, 3.0, 4.0))
    text = page_text(replace(exported, about=about), read_runtime(runtime_folder), example)
    assert text.count("</script>") == text.count("<script")
    settings = json.loads(element(text, "settings"))
    assert settings["example"] == {"name": "</script>.png", "content": "Ynl0ZXM=", "box": [1, 2, 3, 4]}
    assert "&lt;/script&gt;&lt;b&gt;" in text


def test_equal_inputs_are_equal_pages(exported, runtime_folder, tmp_path):
    for name in ("one.html", "other.html"):
        export_page(exported, read_runtime(runtime_folder), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


@pytest.mark.parametrize("name", ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
def test_a_runtime_with_a_file_missing_is_named(runtime_folder, name):
    (runtime_folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: can't be read .*; make it with `make web-runtime`"):
        read_runtime(runtime_folder)


def test_what_is_no_runtime_is_refused(runtime_folder):
    (runtime_folder / "ort-wasm-simd-threaded.wasm").write_bytes(b"<html>")
    with pytest.raises(UserError, match="not the files of onnxruntime-web"):
        read_runtime(runtime_folder)
    (runtime_folder / "ort.wasm.bundle.min.mjs").write_bytes(b"\xff")
    with pytest.raises(UserError, match="not the files of onnxruntime-web"):
        read_runtime(runtime_folder)
    (runtime_folder.parent / "package.json").unlink()
    with pytest.raises(UserError, match="can't be read"):
        read_runtime(runtime_folder)


def test_an_example_is_an_image_of_moderate_size(tmp_path):
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), dtype=np.uint8))
    assert read_example(path) == Example("noise.png", path.read_bytes(), None)
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8))
    with pytest.raises(UserError, match="give one of at most 2,097,152"):
        read_example(path)
    path.write_text("words", encoding="utf-8")
    with pytest.raises(UserError):
        read_example(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_an_example_is_of_a_format_that_browsers_show(tmp_path, suffix):
    path = tmp_path / f"grey{suffix}"
    cv2.imwrite(str(path), np.full((8, 8, 3), 99, dtype=np.uint8))
    assert read_example(path).content == path.read_bytes()


@pytest.mark.parametrize("name", ["grey.tif", "grey.png"])
def test_an_example_that_browsers_do_not_show_is_refused_whatever_its_name(tmp_path, name):
    tiff = cv2.imencode(".tif", np.full((8, 8, 3), 99, dtype=np.uint8))[1]
    (tmp_path / name).write_bytes(tiff.tobytes())
    with pytest.raises(UserError, match="browsers don't show TIFF; give one of JPEG, PNG, WebP, BMP"):
        read_example(tmp_path / name)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((7, 2, 1, 8), "the box 7, 2, 1, 8 has no area; x_max must exceed x_min"),
        ((1, 2, 7, 2), "has no area"),
        ((float("nan"), 2, 7, 8), "has no area"),
        ((20, 2, 25, 8), "the box 20, 2, 25, 8 isn't within the picture of 12 x 8 pixels"),
        ((1, 2, 12.5, 8), "isn't within the picture"),
        ((1, 2, 7, 9), "isn't within the picture"),
        ((-1, 2, 7, 8), "isn't within the picture"),
    ],
)
def test_a_box_that_is_not_within_its_example_is_refused(tmp_path, box, words):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((8, 12, 3), 99, dtype=np.uint8))
    with pytest.raises(UserError, match=words):
        read_example(path, box)


def test_the_box_of_an_example_may_be_all_of_it(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((8, 12, 3), 99, dtype=np.uint8))
    assert read_example(tmp_path / "grey.png", (0, 0, 12, 8)).box == (0, 0, 12, 8)
