import pytest

from landmark_discovery.downloads.licences import LICENCES, acceptance_line, find_licence, require_accepted, unaccepted
from landmark_discovery.errors import UserError


def test_every_licence_says_its_terms_and_where_they_stand():
    assert list(LICENCES) == ["superpoint", "celeba", "300w-lp", "ls3d-w"]
    for key, licence in LICENCES.items():
        assert licence.key == key
        assert "research only" in licence.terms
        assert licence.non_commercial
        assert licence.address.startswith("http")


def test_what_is_wanted_and_not_accepted_is_listed_once():
    missing = unaccepted(["celeba", None, "superpoint", "celeba", "ls3d-w"], ["ls3d-w"])
    assert [licence.key for licence in missing] == ["celeba", "superpoint"]


def test_a_file_without_terms_needs_no_consent():
    assert unaccepted([None], []) == []
    require_accepted([None], [])


def test_a_licence_that_allows_everything_needs_no_consent(monkeypatch):
    free = LICENCES["celeba"].__class__("free", "Free", "anything", non_commercial=False, address="https://one.org")
    monkeypatch.setitem(LICENCES, "free", free)
    assert unaccepted(["free"], []) == []


def test_the_error_has_the_terms_and_the_line_of_the_configuration():
    with pytest.raises(UserError, match="CelebA: non-commercial research only") as error:
        require_accepted(["celeba"], ["superpoint"])
    for part in (LICENCES["celeba"].address, "`accept_licences: [celeba, superpoint]`", "`--accept celeba`"):
        assert part in str(error.value)


def test_accepted_licences_let_it_pass():
    require_accepted(["celeba", "ls3d-w"], ["ls3d-w", "celeba"])


def test_a_wrong_key_is_refused_with_the_valid_ones():
    with pytest.raises(UserError, match="accept_licences: unknown licence 'celebA'; did you mean 'celeba'") as error:
        unaccepted([], ["celebA"])
    assert "300w-lp, celeba, ls3d-w, superpoint" in str(error.value)
    with pytest.raises(UserError, match="table, line 2: unknown licence 'mit'"):
        find_licence("mit", "table, line 2")


def test_the_line_of_the_configuration_keeps_what_is_accepted_already():
    assert acceptance_line([LICENCES["superpoint"]], ["ls3d-w"]) == "accept_licences: [ls3d-w, superpoint]"
