import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.inference.model_card import model_card
from landmark_discovery.inference.package import load_model, package_model
from landmark_discovery.training.weights import save_weights

DATA = {"images": 1250, "train_images": 1000, "test_images": 250, "points": 68, "dropped": []}
FIGURES = {"forward_nme": 5.756, "backward_nme": 5.5, "mean_shape_nme": 26.9, "mean_landmark_nme": None}
METRICS = {
    "ground_truth": True,
    "num_landmarks": 3,
    "num_test_images": 250,
    "distinct_landmarks": 3,
    "detection_rate": [1.0, 0.896, 0.5],
    **FIGURES,
    "definitions": {name: f"what {name} means" for name in (*FIGURES, "distinct_landmarks")},
}


@pytest.fixture
def card(tmp_path, save_stage, store, tiny_config):
    def write(licences=(), metrics=METRICS, data=DATA, measured=None, **changes):
        config = tiny_config(**changes)
        save_weights(
            tmp_path / "model.safetensors", package_model(save_stage(version="7.8"), [store], config, list(licences))
        )
        return model_card(load_model(tmp_path / "model.safetensors"), metrics, config, [data, measured or data])

    return write


def section(text, title):
    """Give the lines below a heading, up to the next."""
    _, _, rest = text.partition(f"## {title}\n")
    return [line for line in rest.partition("\n## ")[0].splitlines() if line]


def test_a_card_has_every_section(card):
    titles = [line[3:] for line in card().splitlines() if line.startswith("## ")]
    assert titles == ["Data", "Training", "Figures", "Limits", "Licences", "Citation"]


def test_figures_stand_with_their_definitions(card):
    lines = section(card(), "Figures")
    assert "Stage 2, on 250 test images" in lines[0]
    assert "| forward_nme | 5.76 | what forward_nme means |" in lines
    assert "| mean_landmark_nme | null | what mean_landmark_nme means |" in lines
    assert "| distinct_landmarks | 3 | what distinct_landmarks means |" in lines


def test_without_true_points_there_are_no_figures(card):
    lines = section(card(metrics={"ground_truth": False, "num_landmarks": 3}, data={**DATA, "points": None}), "Figures")
    assert lines == ["The data set has no true points, so that nothing could be measured."]


def test_landmarks_that_are_rarely_found_are_named(card):
    assert section(card(), "Limits")[0].endswith("of the test images have: 1 (89.6 %), 2 (50.0 %).")
    assert "of the test images have" not in card(metrics={**METRICS, "detection_rate": [1.0, 0.9, 0.9]})


@pytest.mark.parametrize(
    ("licences", "kind", "expected"),
    [
        (["superpoint", "celeba"], "celeba", ["SuperPoint's weights", "CelebA: non-commercial", "The program: MIT"]),
        ([], "synthetic", ["The drawn faces: free", "The program: MIT"]),
        (["superpoint"], "folder", ["SuperPoint's weights", "The user's images", "The program: MIT"]),
    ],
)
def test_licences_are_those_of_what_the_weights_were_made_from(card, licences, kind, expected):
    dataset = {"kind": kind, **({"path": "images"} if kind == "folder" else {})}
    _, *lines = section(card(licences, dataset=dataset), "Licences")
    assert len(lines) == len(expected)
    assert all(words in line for words, line in zip(expected, lines, strict=True))


def test_celebas_card_says_which_of_its_images_train(card):
    assert "CelebA's training images, without the test images of its subset MAFL" in card(dataset={"kind": "celeba"})


def test_the_packages_own_weights_are_told_with_their_licence(card):
    text = card(bootstrap={"detector": "superpoint-open"})
    assert "- Bootstrap: keypoints of SuperPoint-open." in section(text, "Training")
    licence = "- SuperPoint-open's weights: MIT; trained from drawn shapes and Debian's wallpapers"
    assert section(text, "Licences")[1] == f"{licence}, docs/bootstrap-weights.md."
    assert "SuperPoint-open" not in card(bootstrap={"detector": "sift"})


def test_training_is_told_with_its_size_and_seed(card):
    text = "\n".join(section(card(seed=5, bootstrap={"detector": "sift"}), "Training"))
    for words in ("keypoints of SIFT", "Stage 1: 4 iterations; stage 2: 3", "seed 5", "landmark-discovery 7.8"):
        assert words in text


def test_the_authors_own_weights_were_not_trained_here(card):
    dataset = {"kind": "celeba"}
    lines = section(
        card(pretrained=True, num_landmarks=10, clustering={"training_clusters": 10}, dataset=dataset), "Training"
    )
    assert lines[-1] == "- The weights are those that the method's authors published, converted."


def test_images_that_were_left_out_are_counted(card):
    assert "- 4 images were left out because they can't be read." in card(data={**DATA, "dropped": [{}, {}]})


def test_images_that_the_table_did_not_list_are_counted_too(card):
    text = card(data={**DATA, "unlisted_images": 50})
    assert "- 100 images were left out because samples.csv doesn't list them." in text
    assert "No image was left out" not in text


def test_training_and_test_images_are_counted_where_each_lies(card):
    training = {**DATA, "train_images": 7000, "test_images": 0, "points": None}
    lines = section(card(data=training, measured=DATA), "Data")
    assert "- 7,000 images to train, 250 others to test." in lines
    assert "- 68 true points an image, used to measure and never to train." in lines


def test_what_the_authors_trained_on_is_not_what_lies_here(card):
    changes = {"pretrained": True, "num_landmarks": 10, "clustering": {"training_clusters": 10}}
    text = card(dataset={"kind": "celeba"}, **changes)
    assert "images to train" not in text
    assert "250 others test, and 1,000 fit the regression" in text
    assert "one seed" not in text


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({}, "the metrics lack ground_truth"),
        ({"ground_truth": True, "num_landmarks": 3}, "the metrics lack forward_nme"),
        ({**METRICS, "num_landmarks": 5}, "metrics of 5 landmarks, a model of 3"),
        ({**METRICS, "stage": 1}, "the metrics are of stage 1"),
    ],
)
def test_metrics_of_something_else_are_refused(card, metrics, message):
    with pytest.raises(UserError, match=message):
        card(metrics=metrics)
