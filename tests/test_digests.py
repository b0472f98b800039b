import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.digests import ALGORITHMS, Digest, digest_of, parse_digest
from landmark_discovery.errors import UserError

# Digests of b"abc" as their standards give them; of git, what `git hash-object` says of b"hello\n".
KNOWN = [
    ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("git-blob-sha1", b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ("git-blob-sha1", b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
]


@pytest.mark.parametrize(("algorithm", "content", "value"), KNOWN)
def test_a_file_has_the_digest_that_the_standard_gives(tmp_path, algorithm, content, value):
    (tmp_path / "file").write_bytes(content)
    assert digest_of(tmp_path / "file", algorithm) == Digest(algorithm, value)


@given(content=st.binary(max_size=100))
def test_git_hashes_the_size_before_the_bytes(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("blob") / "file"
    path.write_bytes(content)
    whole = b"blob " + str(len(content)).encode() + b"\0" + content
    assert digest_of(path, "git-blob-sha1").value == hashlib.sha1(whole).hexdigest()


def test_a_file_larger_than_a_piece_is_hashed_whole(tmp_path):
    content = bytes(range(256)) * 4096
    (tmp_path / "file").write_bytes(content)
    assert digest_of(tmp_path / "file", "sha256").value == hashlib.sha256(content).hexdigest()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        digest_of(tmp_path / "none", "md5")


@pytest.mark.parametrize(("algorithm", "digits"), ALGORITHMS.items())
def test_what_is_written_is_read_again(algorithm, digits):
    digest = Digest(algorithm, "0123456789abcdef" * (digits // 16) + "0" * (digits % 16))
    assert parse_digest(str(digest), "here") == digest


def test_capital_digits_are_the_same_digest():
    assert parse_digest("md5:" + "AB" * 16, "here") == parse_digest("md5:" + "ab" * 16, "here")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sha265:" + "0" * 64, "did you mean 'sha256'"),
        ("0" * 64, "unknown kind of digest"),
        ("sha256:" + "0" * 63, "write sha256: and 64 hexadecimal digits"),
        ("md5:" + "g" * 32, "is no md5 digest"),
        ("md5:", "is no md5 digest"),
    ],
)
def test_what_is_no_digest_is_refused_with_its_place(text, reason):
    with pytest.raises(UserError, match=reason) as error:
        parse_digest(text, "table.csv, line 4")
    assert str(error.value).startswith("table.csv, line 4: ")
