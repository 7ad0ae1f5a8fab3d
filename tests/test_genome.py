import gzip
import os
import re
import threading

import numpy as np
import pyfaidx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.sequences import FileFormatError, Genome, reverse_complement

TEXT = ">chr1 of yeast\nACGT\nacgg\nTT\n>chr2\nGG\n"
SEQUENCES = {"chr1": "ACGTacggTT", "chr2": "GG"}


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="genome.fa"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def all_of(path):
    with Genome(path) as genome:
        return {name: genome.sequence(name) for name in genome.lengths}


def index_of(path):
    return path.with_name(path.name + ".fai")


def test_stretches(write):
    with Genome(write(TEXT)) as genome:
        assert genome.lengths == {"chr1": 10, "chr2": 2}
        for start in range(10):
            for end in range(start + 1, 11):
                assert genome.sequence("chr1", start, end) == SEQUENCES["chr1"][start:end]
                assert genome.sequence("chr1", start, end, "-") == reverse_complement(SEQUENCES["chr1"][start:end])


genomes = st.lists(
    st.tuples(st.text("ACGTNacgtn", min_size=1, max_size=50), st.integers(1, 12)), min_size=1, max_size=4
)


# A blank line that ends with a carriage return is more than pyfaidx reads.
ENDS = [("\n", ""), ("\n", "\n"), ("\n", "\n\n"), ("\r\n", ""), ("\r\n", "\n")]


@given(genomes, st.sampled_from(ENDS), st.data())
def test_any_genome_as_pyfaidx_reads_it(tmp_path_factory, genome, lines, data):
    newline, end = lines
    folder = tmp_path_factory.mktemp("genome")
    for name in ("ours.fa", "theirs.fa"):
        with open(folder / name, "w", newline=newline) as file:
            records = [
                f">chr{i} x\n" + "\n".join(sequence[j : j + width] for j in range(0, len(sequence), width))
                for i, (sequence, width) in enumerate(genome)
            ]
            file.write("\n".join(records) + end)
    with pyfaidx.Fasta(str(folder / "theirs.fa"), as_raw=True) as theirs:
        for _ in range(2):  # the second time from the index that was written
            with Genome(folder / "ours.fa") as ours:
                assert ours.lengths == {name: len(theirs[name]) for name in theirs.keys()}  # noqa: SIM118
                for name, length in ours.lengths.items():
                    start = data.draw(st.integers(0, length - 1))
                    stop = data.draw(st.integers(start + 1, length))
                    assert ours.sequence(name, start, stop) == theirs[name][start:stop]
            assert (folder / "ours.fa.fai").exists()


def test_the_index_is_that_of_samtools(write):
    path = write(TEXT)
    all_of(path)
    assert index_of(path).read_text() == "chr1\t10\t15\t4\t5\nchr2\t2\t34\t2\t3\n"


def test_an_index_is_used(write, monkeypatch):
    path = write(TEXT)
    assert all_of(path) == SEQUENCES
    monkeypatch.setattr(Genome, "_made_index", lambda _: pytest.fail("the genome is read again"))
    assert all_of(path) == SEQUENCES


@pytest.mark.parametrize(
    "index",
    [
        "",
        "no index at all",
        b"\xff\xfe\x00",
        "chr1\t10\t15\t4\t5\n",  # too few
        "chr1\t10\t15\t4\t5\nchr2\t2\t34\t2\t3\nchr3\t2\t40\t2\t3\n",  # too many
        "chr1\t10\t15\t4\t5\nchr1\t10\t15\t4\t5\n",
        "chr1\t10\t15\t4\t5\nchrII\t2\t34\t2\t3\n",
        "chr1\t10\t14\t4\t5\nchr2\t2\t34\t2\t3\n",
        "chr1\t9\t15\t4\t5\nchr2\t2\t34\t2\t3\n",
        "chr1\t10\t15\t5\t6\nchr2\t2\t34\t2\t3\n",
        "chr1\t10\t15\t0\t0\nchr2\t2\t34\t2\t3\n",
        "chr1\t-10\t15\t4\t5\nchr2\t2\t34\t2\t3\n",
        "chr1\t10\t15\t4\t5\nchr2\t999\t34\t2\t3\n",
        "chr1\t10\t15\t4\t5\nchr2\t2\t" + "9" * 30 + "\t2\t3\n",
        "chr1\t10\t15\t4\t5\nchr2\t2\t" + "9" * 5000 + "\t2\t3\n",
        "chr1\t10\t15\t4\t5\t6\nchr2\t2\t34\t2\t3\n",
    ],
)
def test_an_index_that_does_not_fit_is_made_anew(write, index):
    path = write(TEXT)
    index_of(path).write_bytes(index.encode() if isinstance(index, str) else index)
    assert all_of(path) == SEQUENCES
    assert index_of(path).read_text() == "chr1\t10\t15\t4\t5\nchr2\t2\t34\t2\t3\n"


def test_a_genome_replaced_by_an_older_file(write):
    path = write(TEXT)
    all_of(path)
    write(TEXT.replace("ACGT\nacgg\nTT", "CCCCC\nGGGGGT"))
    os.utime(path, (0, 0))
    assert all_of(path) == {"chr1": "CCCCCGGGGGT", "chr2": "GG"}


def test_an_index_of_other_lines_in_between(write, rng):
    """Only a look at every line would find this out; it shows when the stretch is read."""
    sequence = "".join(rng.choice(list("ACGT"), size=1000))
    lines = [sequence[i : i + 10] for i in range(0, 1000, 10)]
    path = write(">chr1\n" + "\n".join(lines) + "\n")
    all_of(path)
    lines[41:43] = [lines[41] + lines[42][:1], lines[42][1:]]
    write(">chr1\n" + "\n".join(lines) + "\n")
    assert all_of(path) == {"chr1": sequence}


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_where_no_index_can_be_written(write, tmp_path, monkeypatch):
    path = write(TEXT)
    index_of(path).mkdir()
    assert all_of(path) == SEQUENCES
    index_of(path).rmdir()

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("skdeepprune.sequences._genome.replacing", denied)
    assert all_of(path) == SEQUENCES
    assert os.listdir(tmp_path) == ["genome.fa"]


@pytest.mark.parametrize("name", ["genome.fa.gz", "genome.fa", "GENOME.BED.GZ"])
def test_gzip_is_known_by_its_bytes(write, name, tmp_path):
    assert all_of(write(gzip.compress(TEXT.encode()), name)) == SEQUENCES
    assert os.listdir(tmp_path) == [name]


def test_plain_text_named_gz(write):
    assert all_of(write(TEXT, "genome.fa.gz")) == SEQUENCES


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[TEXT])
    writer.start()
    assert all_of(tmp_path / "pipe") == SEQUENCES
    writer.join()


@pytest.mark.parametrize(
    ("text", "sequences"),
    [
        ("\ufeff" + TEXT, SEQUENCES),
        ("\n\n" + TEXT + "\n\n\n", SEQUENCES),
        (TEXT.replace(">chr2", "\n\n>chr2"), SEQUENCES),
        (TEXT.replace("chr1 ", " chr1\t"), SEQUENCES),
        (TEXT.replace("chr2", "chrµ"), {"chr1": "ACGTacggTT", "chrµ": "GG"}),
        (TEXT.rstrip(), SEQUENCES),
        # Lines of uneven length.
        (">chr1\nACG\nTacggTT\n>chr2\nG\nG\n", SEQUENCES),
        (">chr1\n\nACGTa\n\ncggTT\n>chr2\nGG\n", SEQUENCES),
        (">chr1\nAC GT\nac gg\nTT\n>chr2\nGG\n", SEQUENCES),
        (">chr1\nACGT  \nacgg\nTT\n>chr2\nG G\n", SEQUENCES),
        (">chr1\r\nACGT\nacgg\r\nTT\n>chr2\nGG\n", SEQUENCES),
    ],
)
def test_odd_but_clear_files(write, text, sequences):
    path = write(text)
    assert all_of(path) == sequences
    assert all_of(path) == sequences


def test_names_in_latin_1(write):
    assert list(all_of(write(TEXT.replace("chr2", "chrµ").encode("latin-1")))) == ["chr1", "chrµ"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty; expected a genome in FASTA"),
        ("\n\n \n", " is empty; expected a genome in FASTA"),
        ("\n\nACGT\n", "line 3: expected '>' and the name of a chromosome, got 'ACGT'"),
        ("chr1\t5\t9\n", "line 1: expected '>'"),
        (TEXT + ">chr1\nA\n", "line 7: expected each chromosome once, with 'chr1' in line 1, got 'it again'"),
        (">\nACGT\n", "line 1: expected '>' and the name"),
        (">chr1\n>chr2\nAC\n", "line 1: expected letters below the name 'chr1', got 'none'"),
        (">chr1\nAC\n>chr2\n\n\n", "line 3: expected letters below the name 'chr2'"),
        (">chr1", "line 1: expected letters below"),
        (">chr1\rACGT\r>chr2\rAC\r", "line 1: expected letters below"),
        (b"\x1a\x41\x27\x43\x00\x00\x00\x00", "line 1: expected '>'"),
        (b"\x1f\x8b\x08\x00", "the gzip data are damaged after 0 unpacked bytes"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "the gzip data are damaged after"),
        (TEXT.encode("utf-16"), "line 1: expected '>'"),
    ],
)
def test_files_that_are_not_genomes(write, content, message):
    path = write(content)
    with pytest.raises(FileFormatError, match=re.escape(str(path)) + ".*" + re.escape(message)):
        Genome(path)
    assert not index_of(path).exists()


@pytest.mark.parametrize("text", [">chr1\nAC*T\nACGT\n", ">chr1\nAC\0T\n", ">chr1\nACé\n", ">chr1\nAC\n;x\n"])
def test_something_else_than_letters(write, text):
    with Genome(write(text)) as genome:
        assert genome.sequence("chr1", 0, 2) == "AC"
        with pytest.raises(FileFormatError, match=r"genome\.fa, chr1:0-\d+: expected letters, got "):
            genome.sequence("chr1")


@pytest.mark.parametrize(
    ("stretch", "message"),
    [
        (("chrX", 0, 1), r"'chrX' is not in .*genome\.fa, which begins with 'chr1', 'chr2'"),
        (("chr1", 5, 11), r"chr1:5-11: expected 0 <= start < end <= 10"),
        (("chr1", -1, 5), "chr1:-1-5: expected"),
        (("chr1", 5, 5), "chr1:5-5: expected"),
        (("chr1", 10**30, 10**31), "expected"),
    ],
)
def test_stretches_that_are_not_there(write, stretch, message):
    with Genome(write(TEXT)) as genome, pytest.raises(ValueError, match=message):
        genome.sequence(*stretch)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Genome(tmp_path / "none.fa")
    with pytest.raises(IsADirectoryError):
        Genome(tmp_path)


def test_a_real_genome(shared_data, tmp_path):
    packed = shared_data / "genome" / "ecoli_NC_008253.fa.gz"
    path = tmp_path / "ecoli.fa"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    with pyfaidx.Fasta(str(path), as_raw=True, indexname=str(tmp_path / "theirs.fai")) as theirs:
        (name,) = theirs.keys()
        whole = theirs[name][:]
    for _ in range(2):
        assert all_of(path) == {name: whole}
    assert all_of(packed) == {name: whole}
    assert index_of(path).read_text() == (tmp_path / "theirs.fai").read_text()


@pytest.mark.parametrize("blank", ["\n", " ", "\r"])
def test_millions_of_blanks_take_no_time(write, blank):
    path = write(TEXT + blank * 5_000_000)
    assert all_of(path) == SEQUENCES
    assert all_of(path) == SEQUENCES


def test_many_contigs(write):
    path = write("".join(f">contig_{i}\nACGT\n" for i in range(20_000)))
    for _ in range(2):
        with Genome(path) as genome:
            assert len(genome.lengths) == 20_000
            assert genome.sequence("contig_19999", 1, 3) == "CG"


def test_a_long_line(write, rng):
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, 20_000_000)].tobytes()
    path = write(b">chr1\n" + letters)
    with Genome(path) as genome:
        assert genome.sequence("chr1", 17_000_000, 17_000_100) == letters[17_000_000:17_000_100].decode()
