import pickle

import pytest

from landmark_discovery.errors import UserError, nearest_name


def test_the_message_says_where_what_and_what_to_do():
    error = UserError("x0 is 'one', not a number", where="landmarks.csv, line 3", remedy="give pixels")

    assert str(error) == "landmarks.csv, line 3: x0 is 'one', not a number; give pixels"
    assert (error.what, error.where, error.remedy) == (
        "x0 is 'one', not a number", "landmarks.csv, line 3", "give pixels",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "message"),
    [({}, "too few"), ({"where": "a.csv"}, "a.csv: too few"), ({"remedy": "add some"}, "too few; add some")],
)
def test_parts_that_are_not_given_leave_no_trace(parts, message):
    assert str(UserError("too few", **parts)) == message


def test_the_message_is_one_line_whatever_is_quoted_in_it():
    assert str(UserError("can't parse:\n  line 1\n\n  line 2", remedy="mend\nit")) == (
        "can't parse: line 1 line 2; mend it"
    )


def test_the_message_survives_the_way_between_processes():
    error = UserError("broken", where="a.png", remedy="replace it")

    assert str(pickle.loads(pickle.dumps(error))) == "a.png: broken; replace it"


def test_the_nearest_name_comes_first_and_all_valid_ones_follow():
    assert nearest_name("sed", ["seed", "device"]) == "did you mean 'seed'? valid: device, seed"


def test_without_a_near_name_the_valid_ones_are_listed():
    assert nearest_name("xyz", ["seed", "device"]) == "valid: device, seed"
