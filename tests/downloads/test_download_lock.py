import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.downloads.lock import Pin, pin, pinned, read_lock
from landmark_discovery.errors import UserError

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "downloads.lock"


def test_no_lock_file_has_no_pins(lock):
    assert read_lock(lock) == {}
    assert pinned(lock, "a.zip") is None
    assert not lock.exists()


def test_the_file_is_a_sorted_text_that_says_what_it_is(lock):
    pin(lock, "b.zip", 20, TWO)
    pin(lock, "a.zip", 10, ONE)
    head, *lines = lock.read_text(encoding="utf-8").splitlines()
    assert head.startswith("# Downloads without a published digest")
    assert lines == [f"a.zip 10 {ONE}", f"b.zip 20 {TWO}"]
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]


def test_a_pin_is_found_by_its_name(lock):
    pin(lock, "a.zip", 10, ONE)
    assert pinned(lock, "a.zip") == Pin(10, ONE)
    assert pinned(lock, "b.zip") is None


def test_the_folder_of_the_lock_file_is_made(tmp_path):
    pin(tmp_path / "new" / "my.lock", "a.zip", 10, ONE)
    assert list(read_lock(tmp_path / "new" / "my.lock")) == ["a.zip"]


def test_the_same_pin_again_changes_nothing(lock):
    pin(lock, "a.zip", 10, ONE)
    before = lock.stat()
    pin(lock, "a.zip", 10, ONE)
    assert (lock.stat().st_ino, lock.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_another_digest_is_refused_with_both_and_the_pin_stays(lock):
    pin(lock, "a.zip", 10, ONE)
    with pytest.raises(UserError, match=r"remove the line of a\.zip") as error:
        pin(lock, "a.zip", 10, TWO)
    assert ONE in str(error.value)
    assert TWO in str(error.value)
    assert pinned(lock, "a.zip") == Pin(10, ONE)


def test_the_users_own_comments_and_empty_lines_are_passed_over(lock):
    lock.write_text(f"# mine\n\na.zip 10 {ONE}\n", encoding="utf-8")
    assert read_lock(lock) == {"a.zip": Pin(10, ONE)}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<<<<<<< HEAD", "'<<<<<<< HEAD' is no pin"),
        ("a.zip 10", "is no pin"),
        (f"a.zip ten {ONE}", "is no pin"),
        (f"a.zip 10 {ONE[1:]}", "is no pin"),
        (f"good.zip 10 {ONE}", "'good.zip' stands twice"),
    ],
)
def test_a_wrong_line_is_refused_by_its_number(lock, line, reason):
    lock.write_text(f"# head\ngood.zip 1 {TWO}\n{line}\n", encoding="utf-8")
    for look in (read_lock, lambda path: pin(path, "new.zip", 1, ONE)):
        with pytest.raises(UserError, match=reason) as error:
            look(lock)
        assert f"{lock}, line 3: " in str(error.value)


def test_a_lock_file_that_is_no_text_is_refused(lock):
    lock.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        read_lock(lock)


def test_a_folder_in_the_place_of_the_lock_file_is_told(lock):
    lock.mkdir()
    with pytest.raises(UserError, match="can't be read"):
        read_lock(lock)
    with pytest.raises(UserError, match="can't be written"):
        pin(lock, "a.zip", 1, ONE)


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)


@given(pins=st.dictionaries(NAMES, st.builds(Pin, st.integers(0, 10**15 - 1), st.sampled_from([ONE, TWO]))))
def test_what_is_pinned_in_any_order_is_read_again(tmp_path_factory, pins):
    path = tmp_path_factory.mktemp("lock") / "downloads.lock"
    for name, one in pins.items():
        pin(path, name, one.size_bytes, one.sha256)
    assert read_lock(path) == pins


def test_processes_that_pin_at_the_same_time_lose_no_line(lock):
    code = (
        "import sys; from landmark_discovery.downloads.lock import pin\n"
        f"for index in range(15): pin({str(lock)!r}, f'{{sys.argv[1]}}_{{index}}', index, '{ONE}')"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(read_lock(lock)) == sorted(f"{name}_{index}" for name in "abc" for index in range(15))
