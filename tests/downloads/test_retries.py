from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.downloads.retries import Patience, keep_trying
from landmark_discovery.downloads.transport import TransferError


def failing(*errors, reached=None):
    """Make an action that raises these one after the other and then ends well; `reached` grows by what it is told."""
    left = list(errors)

    def action():
        if left:
            error, gained = left.pop(0)
            if reached is not None:
                reached.append(reached[-1] + gained)
            raise error

    return action


def passing(wait_s=None):
    return TransferError("busy", passing=True, wait_s=wait_s)


def test_what_ends_well_is_done_once(patience, waits, told):
    keep_trying("a.zip", failing(), lambda: 0, patience)
    assert (waits, told) == ([], [])


def test_what_may_pass_is_tried_again_and_said(patience, waits, told):
    keep_trying("a.zip", failing((passing(), 0)), lambda: 0, patience)
    assert len(waits) == 1
    assert told == [f"a.zip: busy; next try in {waits[0]:.0f} s"]


def test_what_does_not_pass_is_raised_at_once(patience, waits):
    error = TransferError("answers 404")
    with pytest.raises(TransferError) as raised:
        keep_trying("a.zip", failing((error, 0)), lambda: 0, patience)
    assert raised.value is error
    assert waits == []


def test_tries_without_progress_end_and_their_waits_double_up_to_a_limit(waits):
    patience = Patience(idle_tries=9, sleep=waits.append, tell=lambda _: None, generator=Random(0))
    with pytest.raises(TransferError, match=r"^busy \(9 tries\)$"):
        keep_trying("a.zip", failing(*[(passing(), 0)] * 20), lambda: 0, patience)
    longest = [1, 2, 4, 8, 16, 32, 60, 60]
    assert [limit / 2 <= wait <= limit for wait, limit in zip(waits, longest, strict=True)] == [True] * 8


def test_the_same_generator_draws_the_same_waits_and_another_does_not():
    def drawn(seed):
        waits = []
        patience = Patience(sleep=waits.append, tell=lambda _: None, generator=Random(seed))
        with pytest.raises(TransferError):
            keep_trying("a.zip", failing(*[(passing(), 0)] * 9), lambda: 0, patience)
        return waits

    assert drawn(1) == drawn(1) != drawn(2)


def test_progress_is_a_fresh_start_and_falling_back_is_none(patience):
    reached = [0]
    steps = [5, 0, 0, 0, 0, 0, 5, -9, 9, 0, 0, 0]
    action = failing(*[(passing(), gained) for gained in steps], reached=reached)
    # Behind the second gain come falling back, the old height again, and three tries of nothing: five in a row.
    keep_trying("a.zip", action, lambda: reached[-1], patience)
    action = failing(*[(passing(), gained) for gained in [*steps, 0]], reached=reached)
    reached[:] = [0]
    with pytest.raises(TransferError, match=r"13 tries"):
        keep_trying("a.zip", action, lambda: reached[-1], patience)


@given(gains=st.lists(st.integers(0, 3), min_size=30, max_size=60))
def test_there_is_an_end_whatever_is_gained(gains):
    reached = [0]
    patience = Patience(total_tries=25, sleep=lambda _: None, tell=lambda _: None)
    action = failing(*[(passing(), gain) for gain in gains], reached=reached)
    with pytest.raises(TransferError):
        keep_trying("a.zip", action, lambda: reached[-1], patience)
    assert len(reached) <= 26


@pytest.mark.parametrize(("asked_s", "waited"), [(90.0, 90.0), (600.0, 600.0)])
def test_a_server_is_given_the_time_that_it_asks_for(patience, waits, asked_s, waited):
    keep_trying("a.zip", failing((passing(asked_s), 0)), lambda: 0, patience)
    assert waits == [waited]


def test_a_server_that_asks_for_too_much_is_given_up(patience, waits):
    with pytest.raises(TransferError, match="busy, and asks to wait 601 s"):
        keep_trying("a.zip", failing((passing(601.0), 0)), lambda: 0, patience)
    assert waits == []


def test_what_is_asked_is_no_reason_to_return_sooner(patience, waits):
    keep_trying("a.zip", failing((passing(0.0), 0)), lambda: 0, patience)
    assert 0.5 <= waits[0] <= 1


def test_other_errors_are_not_tried_again(patience):
    def full():
        raise OSError("No space left")

    with pytest.raises(OSError, match="No space left"):
        keep_trying("a.zip", full, lambda: 0, patience)
