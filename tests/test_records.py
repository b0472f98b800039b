import pytest

from landmark_discovery.records import lost_record

NAMES = ("weights.safetensors", "training_log.csv", "made_by.json", "rounds.csv", "rounds/round_00.png")


@pytest.fixture
def weights(tmp_path):
    """Write what a stage 1 of one round leaves."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("round,iteration\n0,2\n" if name == "rounds.csv" else "content")
    return tmp_path / NAMES[0]


def test_of_a_whole_training_nothing_is_lost(weights):
    assert lost_record(weights, 1) is None


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_file_that_is_gone_from_beside_the_weights_is_named(weights, name):
    (weights.parent / name).unlink()
    assert lost_record(weights, 1) == weights.parent / name


def test_stage_2_has_no_rounds(weights):
    (weights.parent / "rounds.csv").unlink()
    assert lost_record(weights, 2) is None


def test_what_was_never_trained_has_lost_nothing(tmp_path):
    assert lost_record(tmp_path / "weights.safetensors", 1) is None
