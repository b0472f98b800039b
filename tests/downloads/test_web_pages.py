import pytest

from landmark_discovery.downloads.web_pages import DRIVE_LIMIT, PAGE_BYTES, describe_page_start, describe_web_page

TITLE = "'Quota exceeded', not the file"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\n <!DOCTYPE html><html><title>Sign\n in</title>", "a web page, titled 'Sign in', not the file"),
        (b"\xef\xbb\xbf<HTML><body>hello", "a web page, not the file"),
        (
            b'<?xml version="1.0"?><!DOCTYPE html><title>Quota exceeded</title>',
            f"a web page, titled {TITLE}; {DRIVE_LIMIT}",
        ),
        (b"<!-- served --><html>", "a web page, not the file"),
        (b"<script>location='/login'</script>", "a web page, not the file"),
        ("\ufeff<html><title>Zugriff".encode("utf-16-le"), "a web page, not the file"),
        (b"<Error><Code>AccessDenied</Code></Error>", "a web page, not the file"),
        (b'{"error": "not\n found"}', 'an answer of the server ({"error": "not found"}), not the file'),
        (b"<html>Quota exceeded</html>", f"a web page, not the file; {DRIVE_LIMIT}"),
        (b"<head><title>a</title>Too many users have viewed", f"a web page, titled 'a', not the file; {DRIVE_LIMIT}"),
    ],
)
def test_a_web_page_is_named(file, content, told):
    file.write_bytes(content)
    assert describe_web_page(file) == told


@pytest.mark.parametrize(
    "content", [b"", b"202599\n<html>", b"PK\x03\x04<html>", b"\x80\x02}", b"< 3", b"{}", b'{"images": []}']
)
def test_other_files_are_no_web_pages(file, content):
    file.write_bytes(content)
    assert describe_web_page(file) is None


def test_what_stands_far_behind_the_start_is_not_looked_at():
    start = b"<html>" + b" " * PAGE_BYTES
    assert describe_page_start(start + b"<title>late</title>") == "a web page, not the file"
