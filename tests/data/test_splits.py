import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.data.splits import make_split
from landmark_discovery.errors import UserError


def test_every_image_by_itself_where_no_subject_is_known():
    split = make_split([f"{index}.png" for index in range(10)], [""] * 10, test_fraction=0.3, seed=0)

    assert sorted(split) == ["test"] * 3 + ["train"] * 7


def test_all_images_of_a_subject_are_on_one_side():
    subjects = [f"person{index // 5}" for index in range(50)]
    split = make_split([f"{index}.png" for index in range(50)], subjects, test_fraction=0.2, seed=4)

    assert (split == "test").sum() == 10
    assert all(len(set(split[5 * person : 5 * person + 5])) == 1 for person in range(10))


def test_the_order_of_the_images_does_not_matter_and_the_seed_does():
    images, subjects = [f"{index:02}.png" for index in range(40)], [f"person{index // 2}" for index in range(40)]
    split = make_split(images, subjects, test_fraction=0.5, seed=1)

    assert make_split(images[::-1], subjects[::-1], test_fraction=0.5, seed=1).tolist() == split[::-1].tolist()
    assert make_split(images, subjects, test_fraction=0.5, seed=2).tolist() != split.tolist()


def test_one_large_subject_is_not_taken_where_a_small_one_comes_nearer():
    # Test images can be the 1 of "few" or the 9 of "many": 1 is nearer to 2.
    subjects = ["many"] * 9 + ["few"]
    shares = {seed: (make_split(list("abcdefghij"), subjects, 0.2, seed) == "test").sum() for seed in range(8)}

    assert set(shares.values()) <= {1, 9}
    assert 1 in shares.values()


@given(
    subjects=st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=2, max_size=20),
    fraction=st.floats(0, 1),
    seed=st.integers(0, 100),
)
def test_both_sides_get_an_image_and_subjects_stay_whole(subjects, fraction, seed):
    if set(subjects) in ({"a"}, {"b"}, {"c"}):
        return
    split = make_split([f"{index}.png" for index in range(len(subjects))], subjects, fraction, seed)

    assert set(split) == {"train", "test"}
    for subject in set(subjects) - {""}:
        assert len(set(split[np.array(subjects) == subject])) == 1


@pytest.mark.parametrize(
    ("subjects", "what"), [([""], "one image can't be split"), (["a"] * 3, "3 images of one subject can't be split")]
)
def test_a_single_subject_is_refused(subjects, what):
    with pytest.raises(UserError, match=what):
        make_split([f"{index}.png" for index in range(len(subjects))], subjects, test_fraction=0.2, seed=0)
