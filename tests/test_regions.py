import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.sequences import FileFormatError, Region, read_regions

NARROW = "chr1\t1000\t1200\tp\t0\t.\t1\t1\t1\t10\n"
BROAD = "chr1\t1000\t1200\tp\t0\t-\t1\t1\t1\n"


def test_bed(write):
    path = write(
        "a.bed", "track name=x\nbrowser y\n# z\nchr1\t5\t9\n\nchr2 1 3 peak_1 0 -\nchr1\t0\t1\t.\t0\t+\textra\n"
    )
    assert read_regions(path) == [
        Region("chr1", 5, 9, line=4),
        Region("chr2", 1, 3, "peak_1", "-", line=6),
        Region("chr1", 0, 1, None, "+", line=7),
    ]


def test_a_chromosome_that_begins_as_a_track_line(write):
    assert [region.chrom for region in read_regions(write("a.bed", "track_1\t5\t9\nbrowser7\t5\t9\n"))] == [
        "track_1",
        "browser7",
    ]


def test_names_with_spaces(write):
    (region,) = read_regions(write("a.bed", "chr1\t5\t9\tpeak 1 of µ\t0\t-\n"))
    assert (region.name, region.strand) == ("peak 1 of µ", "-")


@pytest.mark.parametrize("name", ["a.narrowPeak", "a.bed", "a.bed.gz", "a.txt", "A.NARROWPEAK"])
def test_ten_columns_with_a_summit_are_narrow_peak(write, name):
    (region,) = read_regions(write(name, NARROW))
    assert (region.summit, region.name, region.strand) == (1010, "p", None)
    assert (str(region), str(region.resized(101)), str(region.resized(0))) == (
        "chr1:1000-1200",
        "chr1:960-1061",
        "chr1:1000-1200",
    )


def test_a_summit_that_is_not_known(write):
    (region,) = read_regions(write("a.bed", NARROW.replace("10\n", "-1\n")))
    assert region.summit is None
    assert str(region.resized(100)) == "chr1:1050-1150"


@pytest.mark.parametrize(
    "line",
    [
        BROAD,
        NARROW.replace("\t10\n", "\t200\n"),  # beyond the peak
        NARROW.replace("1\t1\t1\t10", "1050\tx,y\t0,0,0\t1"),
        "chr1\t1000\t1200\tp\t0\t+\t1000\t1200\t0,0,0\t2\t10,20\t0,100\n",  # BED12
    ],
)
def test_bed_of_other_columns_has_no_summit(write, line):
    (region,) = read_regions(write("a.bed", line))
    assert region.summit is None


def test_broad_peak(write):
    (region,) = read_regions(write("a.broadPeak", BROAD))
    assert region == Region("chr1", 1000, 1200, "p", "-", line=1)
    with pytest.raises(FileFormatError, match="line 1: expected the 9 columns of broadPeak"):
        read_regions(write("a.broadPeak", "chr1\t1\t2\n"))


def test_the_format_can_be_said(write):
    assert read_regions(write("a.bed", NARROW), "bed")[0].summit is None
    assert read_regions(write("a.bed", NARROW), "narrowPeak")[0].summit == 1010


@pytest.mark.parametrize("name", ["a.bed", "A.BED.GZ", "a"])
def test_gzip_is_known_by_its_bytes(write, name):
    assert read_regions(write(name, gzip.compress(b"chr1\t5\t9\n"))) == [Region("chr1", 5, 9, line=1)]


def test_plain_text_named_gz(write):
    assert read_regions(write("a.bed.gz", "chr1\t5\t9\r\n")) == [Region("chr1", 5, 9, line=1)]


def test_byte_order_mark(write):
    assert read_regions(write("a.bed", "\ufeffchr1\t5\t9\n")) == [Region("chr1", 5, 9, line=1)]


def test_an_empty_file(write):
    assert read_regions(write("a.bed", "")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5", "expected chromosome, start and end, separated by tabs, got 'chr1\\t5'"),
        ("chr1\t-5\t9", "expected chromosome, start and end"),
        ("chr1\t5.0\t9", "expected chromosome, start and end"),
        ("chr1\t1_0\t90", "expected chromosome, start and end"),
        ("chr1\t१\t90", "expected chromosome, start and end"),
        ("chr1\t5\t" + "9" * 5000, "expected chromosome, start and end"),
        ("\t5\t9", "expected chromosome, start and end"),
        ("chr1\t9\t5", "expected a start before the end, got 9 and 5"),
        ("chr1\t5\t5", "expected a start before the end, got 5 and 5"),
        ("chr1\t5\t9\tx\t0\tplus", "expected the strand '+', '-' or '.' in column 6, got 'plus'"),
        ("chr1\t5\t9\té".encode("latin-1"), "expected UTF-8, got 'byte 0xe9'"),
        (b"chr1\t5\t9\0", "expected text, got a zero byte"),
        ("chr1\t5\t9\rchr1\t5\t9\r", "expected \\n at the end of every line"),
    ],
)
def test_a_malformed_line_is_named(write, line, message):
    line = line.encode() if isinstance(line, str) else line
    path = write("a.bed", b"chr1\t1\t7\n" + line + b"\nchr1\t2\t3\n")
    with pytest.raises(FileFormatError, match=f"{re.escape(str(path))}, line 2: {re.escape(message)}"):
        read_regions(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5\t9\n", "line 2: expected the 10 columns of narrowPeak"),
        (
            NARROW.replace("\t10\n", "\t200\n"),
            "line 2: expected a summit from 0 to 199, or -1, in column 10, got '200'",
        ),
        (NARROW.replace("\t10\n", "\tx\n"), "line 2: expected a summit"),
        (NARROW.replace("\t10\n", "\t-2\n"), "line 2: expected a summit"),
    ],
)
@pytest.mark.parametrize("name", ["a.narrowPeak", "a.bed"])
def test_a_malformed_summit_is_named(write, line, message, name):
    with pytest.raises(FileFormatError, match=message):
        read_regions(write(name, NARROW + line))


def test_damaged_gzip(write):
    with pytest.raises(FileFormatError, match=r"a\.bed\.gz: the gzip data are damaged"):
        read_regions(write("a.bed.gz", gzip.compress(b"chr1\t5\t9\n" * 100)[:-9]))


regions = st.builds(
    Region,
    st.text("chr1XY_", min_size=1),
    st.integers(0, 10**9),
    st.integers(10**9 + 1, 10**10),
    st.none() | st.text("peak 1:,", min_size=1).filter(lambda text: text == text.strip()),
    st.none() | st.sampled_from("+-"),
)


@given(st.lists(regions, min_size=1))
def test_written_files_read_back(tmp_path_factory, regions):
    path = tmp_path_factory.mktemp("regions") / "a.bed"
    path.write_text("".join(f"{r.chrom}\t{r.start}\t{r.end}\t{r.name or '.'}\t0\t{r.strand or '.'}\n" for r in regions))
    read = read_regions(path)
    assert [(r.chrom, r.start, r.end, r.name, r.strand) for r in read] == [
        (r.chrom, r.start, r.end, r.name, r.strand) for r in regions
    ]
    assert [r.line for r in read] == list(range(1, len(regions) + 1))


@given(regions, st.integers(1, 5000))
def test_resized_around_the_middle(region, width):
    resized = region.resized(width)
    assert resized.end - resized.start == width
    assert abs((resized.start + resized.end) / 2 - (region.start + region.end) / 2) <= 1
