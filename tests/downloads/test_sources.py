import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.downloads.sources import COLUMNS, browser_address, find_source, read_sources
from landmark_discovery.errors import UserError

# Digests as their publishers give them: the strongest where there are several.
PUBLISHED = {
    "superpoint_v1.pth": "sha256:52b6708629640ca883673b5d5c097c4ddad37d8048b33f09c8ca0d69db12c40e",
    "img_align_celeba.zip": "sha256:46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
    "celeba.tar.gz": "sha1:f6872ab0f2df8e5843abe99dc6d6100dd4fea29f",
    "list_landmarks_align_celeba.txt": "sha256:6c02a87569907f6db2ba99019085697596730e8129f67a3d61659f198c48d43b",
    "list_eval_partition.txt": "sha256:fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
    "mafl_training.txt": "sha256:435e0488efcb97dee718118b74b4110d42d9524289238f51692b1d60883ccba6",
    "mafl_testing.txt": "sha256:0a93fa3202133333045ce4cef5043a2cb1f4b8858b8e96f3ae7f54becfa07f9e",
    "CelebABoundingBoxes.pickle": "git-blob-sha1:8900d0febd21ed06edb610ec75bdb3f70ee889c9",
    "MaflGroundtruthLandmarks.pickle": "git-blob-sha1:801e5946d80556fc73cf15b616a9a32ecd562b47",
    "300W_LPBoundingBoxes.pickle": "git-blob-sha1:c105c811e2c7112fb92e5cd22d51fd205353cb79",
    "300W-LP.zip": "sha256:250c366c417ad48f72522b629ff83dbb2b2a57945803ad4a530a696bb6b13ee7",
}
SIZES = {
    "img_align_celeba.zip": 1_443_490_838,
    "list_landmarks_align_celeba.txt": 12_156_055,
    "list_eval_partition.txt": 2_836_386,
    "mafl_training.txt": 208_999,
    "mafl_testing.txt": 10_999,
    "300W-LP.zip": 2_828_125_606,
}
ON_DRIVE = {
    "img_align_celeba.zip": "0B7EVK8r0v71pZjFTYXZWM3FlRnM",
    "list_landmarks_align_celeba.txt": "0B7EVK8r0v71pd0FJY3Blby1HUTQ",
    "list_eval_partition.txt": "0B7EVK8r0v71pY0NSMzRuSXJEVkk",
    "300W-LP.zip": "0B7OEHD3T4eCkVGs0TkhUWFN6N1k",
    "celeba_k10_stage1.pth": "15Ez9YpgXWVf_-BjVICFdLoGkPjW5a5tV",
    "celeba_k10_stage2.pth": "121NtZ_B8O1MwD25o5rLK0Ini_I8S12CY",
    "celeba_k30_stage1.pth": "1h3Z55uClTKwFAM0y1DF3jO56KOf7VzJ8",
    "celeba_k30_stage2.pth": "11PazzSC1CWjQ-R8B-VZP-pTytv0IIZJh",
    "ls3d_k10_stage1.pth": "1E3q7Hk25ZGZr_Zmv3CTVmDTy-tYvEWCA",
    "ls3d_k10_stage2.pth": "16gzUK7OltMcVXptfS7zj6m5n3QbDQfI7",
    "ls3d_k30_stage1.pth": "1Hq8toW88eEssJZtnrtsmPG7NXjILHg_R",
    "ls3d_k30_stage2.pth": "1ffSB76I_UmIMolJp333Y9VVpIJITFtLD",
}
LICENSED = {
    "superpoint_v1.pth": "superpoint",
    "celeba.zip": "celeba",
    "img_align_celeba.zip": "celeba",
    "celeba.tar.gz": "celeba",
    "list_landmarks_align_celeba.txt": "celeba",
    "list_eval_partition.txt": "celeba",
    "300W-LP.zip": "300w-lp",
    "LS3D-W-balanced-20-03-2017.zip": "ls3d-w",
}
HEADER = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def packaged():
    return read_sources()


@pytest.fixture
def table(tmp_path):
    """Write a table and read it."""

    def read(*lines, header=HEADER):
        (tmp_path / "own.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return read_sources(tmp_path / "own.csv")

    return read


def test_the_packaged_table_has_the_published_digests(packaged):
    assert {name: str(source.digest) for name, source in packaged.items() if source.digest} == PUBLISHED


def test_the_packaged_table_has_the_published_sizes(packaged):
    assert {name: source.size_bytes for name, source in packaged.items() if source.size_bytes} == SIZES


def test_the_packaged_table_names_the_licence_of_each_file(packaged):
    assert {name: source.licence_key for name, source in packaged.items() if source.licence} == LICENSED


def test_the_packaged_table_names_the_files_of_google_drive(packaged):
    first = {name: source.addresses[0] for name, source in packaged.items()}
    assert {name: f"gdrive:{file}" for name, file in ON_DRIVE.items()}.items() <= first.items()
    assert all(address.startswith("http") for name, address in first.items() if name not in ON_DRIVE)


def test_the_packaged_table_has_every_file_of_the_paper(packaged):
    assert len(packaged) == 21
    assert {"celeba.zip", "LS3D-W-balanced-20-03-2017.zip", *PUBLISHED, *ON_DRIVE} == set(packaged)
    assert all(source.what for source in packaged.values())


def test_a_row_says_all_that_is_known(table):
    digest = "md5:" + "0" * 32
    sources = table(f"a.zip,A,https://one.org/a,gdrive:x_Y-1,12,12 B,{digest},celeba,rare")
    source = sources["a.zip"]
    assert (source.what, source.addresses, source.size_bytes) == ("A", ("https://one.org/a", "gdrive:x_Y-1"), 12)
    assert (source.about, str(source.digest), source.licence_key) == ("12 B", digest, "celeba")


def test_a_row_needs_a_name_and_an_address_alone(table):
    source = table("a.zip,,http://one.org/a,,,,,,")["a.zip"]
    assert source.addresses == ("http://one.org/a",)
    assert (source.size_bytes, source.digest, source.licence_key) == (None, None, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,,ftp://one.org/a,,,,,,", "'ftp://one.org/a' is no address"),
        ("a,,https:///a,,,,,,", "is no address"),
        ("a,,https://one.org:port/a,,,,,,", "is no address"),
        ("a,,https://one.org/a b,,,,,,", "is no address"),
        ("a,,gdrive:,,,,,,", "is no address"),
        ("a,,https://one.org/a,file:///etc/hosts,,,,,", "is no address"),
        ("a,,,https://one.org/a,,,,,", "column 'address' is empty"),
        ("a,,https://one.org/a,,7.8G,,,,", "bytes is '7.8G', not a whole number"),
        ("a,,https://one.org/a,,-1,,,,", "bytes is '-1'"),
        ("a,,https://one.org/a,,,,sha256:12,,", "'12' is no sha256 digest"),
        ("a,,https://one.org/a,,,,,celebra,", "did you mean 'celeba'"),
        ("../a,,https://one.org/a,,,,,,", "'../a' is no name"),
        (".a,,https://one.org/a,,,,,,", "'.a' is no name"),
        ("a b,,https://one.org/a,,,,,,", "'a b' is no name"),
        ("good,,https://one.org/b,,,,,,", "'good' stands twice"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(table, line, reason):
    with pytest.raises(UserError, match=reason) as error:
        table("good,,https://one.org/a,,,,,,", line)
    assert "own.csv, line 3: " in str(error.value)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("mirror", "miror"), "unknown column 'miror'; did you mean 'mirror'"),
        (HEADER.replace("mirror", "address"), "'address' stands twice"),
        (HEADER.removesuffix(",note"), "column 'note' is missing"),
    ],
)
def test_a_wrong_header_is_refused(table, header, reason):
    with pytest.raises(UserError, match=reason):
        table(header=header)


@given(cells=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8")), min_size=9, max_size=9))
def test_whatever_stands_in_a_row_is_a_source_or_an_error_of_the_user(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("table") / "own.csv"
    path.write_text(f"{HEADER}\n{','.join(cells)}\n", encoding="utf-8")
    with contextlib.suppress(UserError):
        assert all(set(name).isdisjoint("/\\ ") for name in read_sources(path))


def test_an_unknown_download_is_refused_with_the_nearest_name(packaged):
    assert find_source("celeba.zip", packaged) is packaged["celeba.zip"]
    with pytest.raises(UserError, match=r"unknown download 'celebA.zip'; did you mean 'celeba.zip'"):
        find_source("celebA.zip", packaged)


def test_a_person_gets_an_address_that_a_browser_opens():
    assert browser_address("gdrive:abc") == "https://drive.google.com/file/d/abc/view"
    assert browser_address("https://one.org/a") == "https://one.org/a"
