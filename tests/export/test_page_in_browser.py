import base64
import struct

import cv2
import numpy as np
import pytest

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.cutting import CutRule, plan_cuts
from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.export.onnx_check import pytorch_landmarks

pytestmark = pytest.mark.browser
LIMIT_PX = 0.5
BOX = (60.0, 40.5, 221.0, 200.0)


@pytest.fixture
def opened(page_file, browser):
    """Open the page from its file; at the end nothing was said on the console, and nothing asked of a network."""
    sessions = []

    def open_page(width=1600, height=1000):
        context = browser.new_context(viewport={"width": width, "height": height})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        page.wait_for_selector('#status:has-text("Ready")')
        sessions.append((context, said, asked))
        return page

    yield open_page
    for context, said, asked in sessions:
        assert said == []
        assert [url for url in asked if url != page_file.as_uri() and not url.startswith(("blob:null/", "data:"))] == []
        context.close()


def encoded(suffix, image, *options):
    return cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]), options)[1].tobytes()


def turned_jpeg(image, orientation):
    """Write a JPEG that says by EXIF how it has to be turned."""
    tags = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)
    data, segment = encoded(".jpg", image, cv2.IMWRITE_JPEG_QUALITY, 95), b"Exif\0\0" + tags
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def transparent_png(image):
    opacity = np.full((*image.shape[:2], 1), 255, dtype=np.uint8)
    opacity[:60, :60] = 0
    return cv2.imencode(".png", np.concatenate([image[..., ::-1], opacity], axis=2))[1].tobytes()


def in_python(model, folder, content, box):
    """Predict as the pipeline does, from the same file."""
    folder.mkdir()
    corners, rows = ",".join(map(str, box or ("", "", "", ""))), ""
    for name, split in (("one.png", "train"), ("two.png", "test")):
        (folder / name).write_bytes(content)
        rows += f"{name},{split},{corners}\n"
    (folder / "samples.csv").write_text(f"image,split,x_min,y_min,x_max,y_max\n{rows}", encoding="utf-8")
    settings = DatasetSettings(name="one", kind="folder", path=str(folder), **vars(model.rule))
    store = prepare_store(folder, settings, folder / "store")
    (landmarks,), (scores,) = pytorch_landmarks(model, store, np.array([1]))
    return landmarks, scores


def in_page(page, content, box):
    ask = """async ([text, box]) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return window.landmarkDiscovery.predict(new Blob([bytes]), box);
    }"""
    found = page.evaluate(ask, [base64.b64encode(content).decode(), box and list(box)])
    return np.array(found["landmarks"]), np.array(found["scores"])


def files_of(picture):
    large = cv2.resize(picture, (1290, 1032), interpolation=cv2.INTER_CUBIC)
    return {
        "png": (encoded(".png", picture), BOX),
        "whole picture": (encoded(".png", picture), None),
        "shrunk": (encoded(".png", large), tuple(4.3 * corner for corner in BOX)),
        "shrunk whole": (encoded(".png", large), None),
        "jpeg": (encoded(".jpg", picture, cv2.IMWRITE_JPEG_QUALITY, 90), BOX),
        "webp": (encoded(".webp", picture, cv2.IMWRITE_WEBP_QUALITY, 101), BOX),
        "transparent": (transparent_png(picture), BOX),
        "box beyond the edge": (encoded(".png", picture), (-20.0, 30.0, 180.0, 245.5)),
        **{
            f"turned {orientation}": (turned_jpeg(picture, orientation), (50, 60, 190, 170))
            for orientation in (2, 3, 6)
        },
    }


def test_the_page_finds_what_the_pipeline_finds_in_files_of_all_kinds(opened, model, picture, tmp_path):
    page = opened()
    for name, (content, box) in files_of(picture).items():
        expected, expected_scores = in_python(model, tmp_path / name, content, box)
        found, scores = in_page(page, content, box)
        assert np.linalg.norm(found - expected, axis=1).max() < LIMIT_PX, name
        np.testing.assert_allclose(scores, expected_scores, atol=0.01, err_msg=name)


RULES = [
    CutRule("paper", 0.0, None, None),
    CutRule("paper", 0.0, 0.5, 128),
    CutRule("margin", 0.17, 0.3, 32),
    CutRule("margin", 0.0, None, 64),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_boxes_are_cut_by_the_same_rule_as_in_python(opened, rule):
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 4000, (400, 2))
    corners = np.sort(generator.uniform(-0.2, 1.2, (400, 2, 2)) * sizes[:, None], axis=1)
    boxes = corners.reshape(400, 4)
    boxes[::7] = np.nan
    cuts = plan_cuts(boxes, sizes, rule)
    given = [
        [None if np.isnan(box[0]) else box.tolist(), size.tolist()] for box, size in zip(boxes, sizes, strict=True)
    ]
    plan = "([given, rule]) => given.map(([box, size]) => landmarkDiscovery.planCut(...size, box, rule))"
    plans = opened().evaluate(plan, [given, vars(rule)])
    kept = np.setdiff1d(np.arange(400), cuts.empty)
    assert len(kept) > 300
    for index in kept:
        assert plans[index]["crop"] == cuts.crop[index].tolist()
        assert plans[index]["window"] == cuts.window[index].tolist()
        assert plans[index]["storedSize"] == cuts.stored_size[index].tolist()


def test_pictures_are_shrunk_as_in_python(opened):
    shrink = """([text, size, smaller]) => {
      const rgba = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return Array.from(landmarkDiscovery.shrink(rgba, ...size, ...smaller));
    }"""
    page, generator = opened(), np.random.default_rng(0)
    for size, smaller in (((90, 60), (37, 25)), ((64, 64), (32, 32)), ((75, 31), (25, 31)), ((50, 40), (50, 40))):
        image = generator.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
        text = base64.b64encode(image.tobytes()).decode()
        shrunk = np.array(page.evaluate(shrink, [text, size, smaller])).reshape(smaller[1], smaller[0], 3)
        expected = cv2.resize(image[..., :3], smaller, interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk - expected.astype(int)).max() <= 1


def rows_of(page):
    page.wait_for_selector("#rows tr")
    return page.locator("#rows tr").all_inner_texts()


def choose(page, content, name="blobs.png"):
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})
    page.wait_for_selector('#status:has-text("3 landmarks")')


def test_a_chosen_picture_shows_its_landmarks_in_a_table(opened, picture):
    page, content = opened(), encoded(".png", picture)
    choose(page, content)
    found, scores = in_page(page, content, None)
    expected = [
        [str(landmark), f"{x:.1f}", f"{y:.1f}", f"{score:.3f}"]
        for landmark, ((x, y), score) in enumerate(zip(found, scores, strict=True))
    ]
    assert [row.split() for row in rows_of(page)] == expected
    assert page.get_attribute("#view", "aria-label") == "blobs.png with 3 landmarks"


def test_a_dropped_picture_is_opened(opened, picture):
    page = opened()
    text = base64.b64encode(encoded(".png", picture)).decode()
    transfer = page.evaluate_handle(
        """(text) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
          return transfer;
        }""",
        text,
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    assert len(rows_of(page)) == 3
    assert page.get_attribute("#view", "aria-label").startswith("dropped.png")


def test_a_box_is_dragged_or_typed_and_taken_away_again(opened, picture):
    page, content = opened(), encoded(".png", picture)
    choose(page, content)
    whole = rows_of(page)
    place = page.locator("#view").bounding_box()
    scale = place["width"] / 300
    page.mouse.move(place["x"] + 60 * scale, place["y"] + 40 * scale)
    page.mouse.down()
    page.mouse.move(place["x"] + 220 * scale, place["y"] + 200 * scale, steps=4)
    page.mouse.up()
    page.wait_for_selector('#status:has-text("3 landmarks")')
    page.click("summary:has-text('Box in pixels')")
    dragged = [float(page.input_value(f"[name={name}]")) for name in ("x_min", "y_min", "x_max", "y_max")]
    np.testing.assert_allclose(dragged, [60, 40, 220, 200], atol=1)
    assert rows_of(page) != whole
    page.fill("[name=x_min]", "0")
    page.press("[name=x_min]", "Enter")
    page.wait_for_selector('#status:has-text("3 landmarks")')
    expected, _ = in_page(page, content, [0.0, *dragged[1:]])
    assert rows_of(page)[0].split()[1] == f"{expected[0, 0]:.1f}"
    page.click("#whole")
    page.wait_for_selector('#status:has-text("3 landmarks")')
    assert rows_of(page) == whole


REFUSED = [
    ((180, 60, 60, 170), "the box has no area; x_max must exceed x_min, and y_max y_min"),
    ((60, 170, 180, 170), "the box has no area"),
    ((900, 900, 950, 950), "the box lies outside the picture of 300 x 240 pixels"),
    # Its padding alone would reach into the picture.
    ((-100, 60, -2, 170), "the box lies outside the picture"),
    ((299.5, 60, 299.9, 60.2), "the box leaves no pixel of the picture; draw a larger one"),
]


def type_box(page, box):
    for name, value in zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True):
        page.fill(f"[name={name}]", str(value))
    page.click("text=Use this box")


def test_boxes_that_python_refuses_are_refused_in_words(opened, picture):
    page, content = opened(), encoded(".png", picture)
    choose(page, content)
    page.click("summary:has-text('Box in pixels')")
    for box, words in REFUSED:
        type_box(page, (60, 40, 220, 200))
        page.wait_for_selector('#status:has-text("3 landmarks")')
        type_box(page, box)
        page.wait_for_selector(f'#status.fault:has-text("{words}")')
        assert page.is_hidden("#found")
        with pytest.raises(Exception, match=words):
            in_page(page, content, box)
    with pytest.raises(Exception, match="a box is four numbers"):
        in_page(page, content, (1, 2, 3))


def test_a_file_that_is_no_picture_is_refused_in_words(opened):
    page = opened()
    page.set_input_files("#file", {"name": "words.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    page.wait_for_selector("#status.fault:has-text(\"words.txt can't be opened: this browser can't read the file\")")


def test_the_example_is_shown_with_its_box(opened):
    page = opened()
    page.click("#example")
    assert len(rows_of(page)) == 3
    page.wait_for_selector('#status:has-text("3 landmarks")')
    page.click("summary:has-text('Box in pixels')")
    assert page.input_value("[name=x_max]") == "220"


def test_a_picture_chosen_while_the_example_opens_is_not_given_its_box(opened, picture):
    page = opened()
    page.click("#example")
    choose(page, encoded(".png", picture), "mine.png")
    page.wait_for_selector('#view[aria-label="mine.png with 3 landmarks"]')
    page.wait_for_timeout(500)
    page.click("summary:has-text('Box in pixels')")
    assert [page.input_value(f"[name={name}]") for name in ("x_min", "y_min", "x_max", "y_max")] == [
        "0",
        "0",
        "300",
        "240",
    ]


def test_the_camera_is_followed_until_it_is_stopped(opened):
    page = opened()
    page.click("#camera")
    page.wait_for_selector('#view[aria-label="camera with 3 landmarks"]')
    page.click("text=Stop the camera")
    page.wait_for_selector('#status:has-text("3 landmarks in the last picture of the camera")')
    assert len(rows_of(page)) == 3
    assert page.inner_text("#camera") == "Use the camera"


def test_the_camera_goes_on_when_a_box_is_refused(opened):
    page = opened()
    page.click("#camera")
    page.wait_for_selector('#view[aria-label="camera with 3 landmarks"]')
    page.click("summary:has-text('Box in pixels')")
    type_box(page, (180, 60, 60, 170))
    page.wait_for_selector('#status.fault:has-text("the box has no area")')
    assert page.inner_text("#camera") == "Stop the camera"
    type_box(page, (10, 10, 200, 170))
    page.wait_for_selector('#status:not(.fault):has-text("The camera is on")')
    page.click("#camera")
    page.wait_for_selector('#status:has-text("in the last picture of the camera")')


@pytest.fixture
def slow_camera(opened):
    """Open the page with a camera that starts only when `letCameraStart` is called; its tracks are kept in `tracks`."""
    page = opened()
    page.evaluate(
        """() => {
          const devices = navigator.mediaDevices;
          const start = devices.getUserMedia.bind(devices);
          const started = new Promise((resolve) => (window.letCameraStart = () => resolve()));
          Object.assign(window, { asked: 0, tracks: [] });
          devices.getUserMedia = async (wanted) => {
            window.asked++;
            await started;
            const stream = await start(wanted);
            window.tracks.push(...stream.getTracks());
            return stream;
          };
        }"""
    )
    return page


CAMERA_IS_OFF = "() => tracks.length === asked && tracks.every((track) => track.readyState === 'ended')"


def test_a_camera_that_starts_is_not_started_again(slow_camera):
    page = slow_camera
    page.click("#camera")
    page.click("#camera")
    page.evaluate("() => letCameraStart()")
    page.wait_for_selector('#view[aria-label="camera with 3 landmarks"]')
    assert page.evaluate("() => asked") == 1
    page.click("text=Stop the camera")
    page.wait_for_function(CAMERA_IS_OFF)


def test_a_picture_opened_while_the_camera_starts_stays_and_the_camera_goes_off(slow_camera, picture):
    page = slow_camera
    page.click("#camera")
    choose(page, encoded(".png", picture))
    page.evaluate("() => letCameraStart()")
    page.wait_for_function(f"() => tracks.length === 1 && ({CAMERA_IS_OFF})()")
    assert page.get_attribute("#view", "aria-label") == "blobs.png with 3 landmarks"
    assert page.inner_text("#camera") == "Use the camera"
    page.click("#camera")
    page.wait_for_selector('#view[aria-label="camera with 3 landmarks"]')


def test_landmarks_are_copied_as_csv(opened, picture):
    page, content = opened(), encoded(".png", picture)
    choose(page, content)
    page.click("#copy")
    page.wait_for_selector('#status:has-text("Copied")')
    header, *rows = page.evaluate("() => navigator.clipboard.readText()").split()
    found, scores = in_page(page, content, None)
    assert header == "landmark,x,y,score"
    values = np.array([row.split(",") for row in rows], dtype=float)
    np.testing.assert_allclose(values, np.column_stack([np.arange(3), found, scores]), atol=1e-3)


def test_the_picture_is_saved_in_its_own_size_with_landmarks_on_it(opened, picture, tmp_path):
    page = opened()
    choose(page, encoded(".png", picture))
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "blobs_landmarks.png"
    download.value.save_as(tmp_path / "saved.png")
    saved = cv2.imread(str(tmp_path / "saved.png"))[..., ::-1].astype(int)
    assert saved.shape == picture.shape
    changed = (np.abs(saved - picture) > 8).any(axis=2)
    assert 0 < changed.mean() < 0.2


@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_overflows_and_every_control_has_a_name(opened, picture, width):
    page = opened(width=width)
    page.click("text=About this model")
    choose(page, encoded(".png", picture))
    page.click("summary:has-text('Box in pixels')")
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, canvas")]
          .filter((one) => !(one.textContent.trim() || one.labels?.length || one.getAttribute("aria-label")))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_the_page_can_be_used_with_the_keyboard_alone(opened):
    page = opened()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "example"
    page.keyboard.press("Enter")
    assert len(rows_of(page)) == 3
