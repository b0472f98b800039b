import hashlib

import pytest

from landmark_discovery.downloads.checks import require_stamped
from landmark_discovery.errors import UserError


@pytest.fixture
def download(tmp_path):
    path = tmp_path / "points.txt"
    path.write_bytes(b"1 2")
    (tmp_path / "points.txt.sha256").write_text(f"{hashlib.sha256(b'1 2').hexdigest()}  points.txt\n")
    return path


def test_a_file_that_is_still_the_one_that_was_checked_may_be_read(download, tmp_path):
    require_stamped([download, tmp_path / "never_checked.txt"])


def test_a_file_that_was_changed_after_it_was_checked_is_refused(download):
    download.write_bytes(b"1 3")
    with pytest.raises(UserError, match=r"points.txt: not the file that was checked; remove .*points.txt.sha256 and"):
        require_stamped([download])


def test_a_file_that_is_gone_after_it_was_checked_is_named(download):
    download.unlink()
    with pytest.raises(UserError, match=r"points.txt: was checked, and is gone; remove .*points.txt.sha256"):
        require_stamped([download])


def test_an_empty_stamp_vouches_for_nothing(download):
    download.with_name("points.txt.sha256").write_text("")
    with pytest.raises(UserError, match="not the file that was checked"):
        require_stamped([download])
