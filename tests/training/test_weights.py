import pytest
import torch
from safetensors.torch import save_file

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import AUTHORS_PIXELS, CONVENTIONS, PIXEL_CENTRES
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.models.layout import channels_last
from landmark_discovery.training.weights import (
    TrainedWeights,
    build_network,
    load_weights,
    require_landmarks,
    save_weights,
    shape_tensors,
)

MODEL = ModelSettings(input_size_px=32, width=16, depth=1, norm_groups=2, descriptor_dim=8)


def trained(stage=1, **changes):
    torch.manual_seed(0)
    facts = {"stage": stage, "num_landmarks": 3, "model": MODEL.model_dump(mode="json"), "threshold": 0.1} | changes
    extras = {"centroids": torch.arange(6.0).view(3, 2), "flip_map": torch.tensor([1, 0, 2])}
    return TrainedWeights(build_network(MODEL, stage, 3), extras, facts)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "stage1" / "weights.safetensors"
    save_weights(path, trained())
    return path


def test_stage_1_has_a_detector_and_a_descriptor_and_stage_2_a_map_a_landmark():
    images = torch.zeros(1, 3, 32, 32)
    assert [tuple(head.shape) for head in build_network(MODEL, 1, 3)(images)] == [(1, 1, 8, 8), (1, 8, 8, 8)]
    assert [tuple(head.shape) for head in build_network(MODEL, 2, 3)(images)] == [(1, 3, 8, 8)]


def test_what_is_saved_is_loaded(saved):
    loaded, original = load_weights(saved, stage=1), trained()
    assert loaded.facts == original.facts
    assert loaded.extras["centroids"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert loaded.extras["flip_map"].dtype == torch.int64
    for name, tensor in original.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name


def test_a_loaded_network_is_ready_to_predict(saved):
    assert not load_weights(saved, stage=1).network.training


def test_equal_weights_give_equal_bytes(tmp_path):
    contents = set()
    for number in range(12):
        save_weights(tmp_path / f"{number}.safetensors", trained())
        contents.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(contents) == 1


def test_the_layout_in_memory_does_not_show_in_the_file(tmp_path, saved):
    weights = trained()
    channels_last(weights.network)
    save_weights(tmp_path / "again.safetensors", weights)
    loaded, first = load_weights(tmp_path / "again.safetensors", 1).network, load_weights(saved, 1).network
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), first.parameters(), strict=True))


def test_weights_of_the_other_stage_are_refused(tmp_path, saved):
    with pytest.raises(UserError, match="weights of stage 1; give those of stage 2"):
        load_weights(saved, stage=2)
    save_weights(tmp_path / "second.safetensors", trained(stage=2))
    with pytest.raises(UserError, match="weights of stage 2; give those of stage 1"):
        load_weights(tmp_path / "second.safetensors", stage=1)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.safetensors: no such file"):
        load_weights(tmp_path / "nowhere.safetensors", stage=1)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_file_cut_short_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="not a safetensors file"):
        load_weights(saved, stage=1)


def test_a_folder_and_a_web_page_are_refused(tmp_path):
    page = tmp_path / "page.safetensors"
    page.write_text("<!DOCTYPE html><html>quota exceeded</html>", encoding="utf-8")
    for path in (page, tmp_path):
        with pytest.raises(UserError, match="not a safetensors file"):
            load_weights(path, stage=1)


def test_somebody_elses_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="not one of ours"):
        load_weights(path, stage=1)


def test_tensors_that_do_not_fit_their_description_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    wider = MODEL.model_copy(update={"width": 32}).model_dump(mode="json")
    save_weights(path, trained(model=wider))
    with pytest.raises(UserError, match="its tensors don't fit its own description"):
        load_weights(path, stage=1)


def test_weights_that_name_no_pixel_convention_follow_pixel_centres(saved):
    assert load_weights(saved, stage=1).convention == PIXEL_CENTRES


def test_weights_of_the_authors_convention_are_read_only_by_who_follows_it(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, trained(convention="authors"))
    with pytest.raises(UserError, match="convention 'authors', not pixel-centres; use it for prediction alone"):
        load_weights(path, stage=1)
    assert load_weights(path, 1, CONVENTIONS.values()).convention == AUTHORS_PIXELS


def test_a_pixel_convention_that_nobody_knows_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, trained(convention="corners"))
    with pytest.raises(UserError, match="convention 'corners', not pixel-centres or authors"):
        load_weights(path, 1, CONVENTIONS.values())


def of_stage_2(**extras):
    weights = trained(stage=2)
    return TrainedWeights(weights.network, {"flip_map": weights.extras["flip_map"], **extras}, weights.facts)


SHAPE = ShapePrior(torch.arange(6.0).view(3, 2), torch.eye(6), torch.tensor([0.5, 1.0, torch.inf]))


def test_the_shape_of_the_landmarks_is_saved_and_loaded(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, of_stage_2(**shape_tensors(SHAPE)))
    loaded = load_weights(path, stage=2)
    require_landmarks(path, loaded)
    prior = loaded.shape_prior()
    assert torch.equal(prior.mean, SHAPE.mean)
    assert torch.equal(prior.weights, SHAPE.weights)
    assert torch.equal(prior.deviation, SHAPE.deviation)
    assert shape_tensors(None) == {}


def test_weights_without_a_shape_say_so_when_one_is_asked_for(tmp_path):
    weights = of_stage_2()
    require_landmarks(tmp_path / "weights.safetensors", weights)
    with pytest.raises(UserError, match=r"holds no shape of its landmarks; train stage 2 anew, or set stage2\.shape_"):
        require_landmarks(tmp_path / "weights.safetensors", weights, shape=True)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"shape.mean": None},
        {"shape.mean": torch.zeros(2, 2)},
        {"shape.mean": torch.full((3, 2), torch.nan)},
        {"shape.weights": torch.zeros(3, 3)},
        {"shape.weights": torch.full((6, 6), torch.inf)},
        {"shape.deviation": torch.zeros(3)},
        {"shape.deviation": torch.full((3,), torch.nan)},
        {"shape.deviation": torch.ones(3, dtype=torch.int64)},
    ],
    ids=str,
)
def test_a_shape_that_is_none_is_refused(tmp_path, spoilt):
    tensors = shape_tensors(SHAPE) | spoilt
    weights = of_stage_2(**{name: tensor for name, tensor in tensors.items() if tensor is not None})
    with pytest.raises(UserError, match="doesn't fit its own description"):
        require_landmarks(tmp_path / "weights.safetensors", weights)
