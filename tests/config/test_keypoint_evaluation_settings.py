import json

import pytest

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings, read_keypoint_evaluation
from landmark_discovery.errors import UserError

DEFAULTS = KeypointEvaluationSettings()


def refusal(text):
    with pytest.raises(UserError) as error:
        read_keypoint_evaluation(text)
    message = str(error.value)
    assert message.startswith("--settings: ")
    assert "\n" not in message
    # The command has no such option.
    assert "--config" not in message
    return message.removeprefix("--settings: ")


def test_all_keys_or_some_may_be_given():
    assert read_keypoint_evaluation("{}") == DEFAULTS
    assert read_keypoint_evaluation('{"seed": 3}') == DEFAULTS.model_copy(update={"seed": 3})
    whole = DEFAULTS.model_copy(update={"scale": 0.5, "max_keypoints": 7})
    assert read_keypoint_evaluation(json.dumps(whole.model_dump())) == whole


def test_a_mistyped_key_is_told_before_a_wrong_value():
    told = refusal('{"scale": 0, "max_keypoint": 3}')
    assert told.startswith("unknown key 'max_keypoint'; did you mean 'max_keypoints'? valid: border_px, face_size_px, ")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("scale", 0.2, "a number from 0.25 to 4"),
        ("scale", 4.1, "a number from 0.25 to 4"),
        ("rotation_degrees", -181, "a number from -180 to 180"),
        ("rotation_degrees", "NaN", "a number from -180 to 180"),
        ("part_tolerance", 1.5, "a number above 0, of at most 1"),
        ("part_tolerance", 0, "a number above 0, of at most 1"),
        ("max_keypoints", 0, "a whole number from 1 to 10000"),
        ("max_keypoints", 10_001, "a whole number from 1 to 10000"),
        ("max_keypoints", 2.5, "a whole number from 1 to 10000"),
        ("face_size_px", 31, "a whole number of at least 32"),
        ("border_px", [4], "a number of at least 0"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_those_that_are(key, value, allowed):
    assert refusal(json.dumps({key: value})) == f"{key} is {value!r}; allowed: {allowed}"


@pytest.mark.parametrize("key", ["scale", "rotation_degrees", "part_tolerance"])
def test_numbers_without_end_are_refused(key):
    assert refusal(f'{{"{key}": Infinity}}').startswith(f"{key} is inf; allowed: ")
    assert refusal(f'{{"{key}": NaN}}').startswith(f"{key} is nan; allowed: ")


@pytest.mark.parametrize(("text", "told"), [("{", "not JSON ("), ("[1]", "not a JSON object"), ("", "not JSON (")])
def test_what_is_no_json_object_is_refused_with_an_example(text, told):
    message = refusal(text)
    assert message.startswith(told)
    assert message.endswith('; write keys and values such as {"max_keypoints": 100}')
