import gzip
import io
import pickle
import re
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import FrozenInstanceError
from pathlib import Path

import dnaio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.sequences import FileFormatError, SequenceRecord, SequenceSet, encode, iter_sequences, read_sequences

SEQ = "FoldID\tEventID\tseq\tBound\nA\tpeak_1\tACGT\t1\nB\tpeak_1_shuf\tagct\t0\n"
DATA = ">chr1:5-9 ACGT 1\n>chr1:5-9_shuf agct 0\n"
FASTA = ">1 first\nAC\nGT\n\n>0\nagct\n"
FASTQ = "@1 first\nACGT\n+\nIIII\n@0\nagct\n+\nIIII\n"
TEXTS = {"fasta": FASTA, "fastq": FASTQ, "seq": SEQ, "data": DATA}


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write_file


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("a.fa", FASTA, ["1 first", "0"]),
        ("a.fasta", FASTA, ["1 first", "0"]),
        ("A.FNA", FASTA, ["1 first", "0"]),
        ("a.fq", FASTQ, ["1 first", "0"]),
        ("a.fastq", FASTQ, ["1 first", "0"]),
        ("a_(1277-1).b.seq", SEQ, ["peak_1", "peak_1_shuf"]),
        ("a.data", DATA, ["chr1:5-9", "chr1:5-9_shuf"]),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_formats(write, name, text, names, zipped, newline):
    path = write(name + zipped, text.replace("\n", newline))
    read = read_sequences(path, labels_in_names=True)
    assert isinstance(read, SequenceSet)
    assert (read.names, read.sequences, read.labels.tolist()) == (names, ["ACGT", "agct"], [1, 0])
    assert read.labels.dtype == np.int64
    assert len(read) == 2
    records = list(iter_sequences(str(path), labels_in_names=True))
    places = [("chr1", 5, 9), ("chr1", 5, 9)] if name == "a.data" else [(), ()]
    expected = [(names[0], "ACGT", 1, *places[0]), (names[1], "agct", 0, *places[1])]
    assert records == [SequenceRecord(*values) for values in expected]


@pytest.mark.parametrize("format", TEXTS)
def test_the_format_can_be_said(write, format):
    assert read_sequences(write("peaks.txt", TEXTS[format]), format=format).sequences == ["ACGT", "agct"]


def test_flat_files_have_no_labels_unless_asked(write):
    assert read_sequences(write("a.fa", FASTA)).labels is None
    assert read_sequences(write("a.fq", FASTQ)).labels is None
    assert next(iter_sequences(write("a.fa", FASTA))).label is None
    assert read_sequences(write("a.seq", SEQ)).labels.tolist() == [1, 0]


def test_records_are_frozen(write):
    with pytest.raises(FrozenInstanceError):
        next(iter_sequences(write("a.fa", FASTA))).label = 1
    with pytest.raises(FrozenInstanceError):
        read_sequences(write("a.fa", FASTA)).labels = None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("chr1:100-104", ("chr1", 100, 104, None)),
        ("chr1:101-104", ("chr1", 100, 104, None)),  # counted from 1
        ("chr1:100-104(-)", ("chr1", 100, 104, "-")),
        ("peak::chr1:100-104(+) strong", ("chr1", 100, 104, "+")),
        ("1 chr1:100-104", ("chr1", 100, 104, None)),
        ("1\tchr1:100-104", ("chr1", 100, 104, None)),
        ("chr1:100-104_shuf", ("chr1", 100, 104, None)),
        ("chrUn_KI270742v1:100-104", ("chrUn_KI270742v1", 100, 104, None)),
        ("HLA-A*01:100-104", ("HLA-A*01", 100, 104, None)),
        ("chr1_100_104", ("chr1", 100, 104, None)),
        ("chr1_KI270706v1_random_101_104_neg_1", ("chr1_KI270706v1_random", 100, 104, None)),
        ("hg38_ct_x_1 range=chr1:101-104 5'pad=0 3'pad=0 strand=- repeatMasking=none", ("chr1", 100, 104, "-")),
        ("chr1:100-204(-)", ("chr1", None, None, "-")),  # of another length: the chromosome alone
        ("chr1:0-3", ("chr1", None, None, None)),
        ("sample_12_345", (None, None, None, None)),
        ("chr1:" + "9" * 50 + "-7", (None, None, None, None)),
        ("peak 100-104", (None, None, None, None)),
        ("", (None, None, None, None)),
    ],
)
def test_places_in_names(write, name, place):
    path = write("a.fa", f">{name}\nACGT\n")
    record = next(iter_sequences(path))
    assert (record.chrom, record.start, record.end, record.strand) == place
    read = read_sequences(path)
    assert [read.chrom, read.start, read.end, read.strand] == [None if value is None else [value] for value in place]


def test_places_of_some(write):
    read = read_sequences(write("a.fa", ">chr1:5-9\nACGT\n>x\nACGT\n"))
    assert (read.chrom, read.start, read.end, read.strand) == (["chr1", None], [5, None], [9, None], None)


def test_last_line_without_its_end(write):
    assert read_sequences(write("a.fa", ">a\nAC\n>b\nGT")).sequences == ["AC", "GT"]
    assert read_sequences(write("a.seq", SEQ.rstrip())).sequences == ["ACGT", "agct"]
    assert read_sequences(write("a.data", DATA.rstrip())).sequences == ["ACGT", "agct"]


def test_gzip_is_recognised_by_content(write, tmp_path):
    (tmp_path / "plain.fa.gz").write_text(FASTA)
    (tmp_path / "zipped.fa").write_bytes(gzip.compress(FASTA.encode()))
    assert read_sequences(tmp_path / "plain.fa.gz").sequences == ["ACGT", "agct"]
    assert read_sequences(tmp_path / "zipped.fa").sequences == ["ACGT", "agct"]


records = st.lists(st.tuples(st.text("ab 1", max_size=5).map(str.strip), st.text("ACGTNacgt", min_size=1)), min_size=1)


@given(records, st.integers(1, 9))
def test_fasta_in_lines_of_any_length(tmp_path_factory, records, width):
    path = tmp_path_factory.mktemp("fasta") / "a.fa"
    with open(path, "w") as file:
        for name, sequence in records:
            file.write(f">{name}\n")
            file.writelines(f"{sequence[i : i + width]}\n" for i in range(0, len(sequence), width))
    assert [(record.name, record.sequence) for record in iter_sequences(path)] == records


MALFORMED = [
    ("a.fa", "ACGT\n", 1, "expected '>' and a name before the first sequence, got 'ACGT'"),
    ("a.fa", "\n\nACGT\n", 3, "expected '>'"),
    ("a.fa", ">a\nAC\n\n# comment\n>b\n>c\nAC\n", 5, "expected a record with a sequence, got 'b'"),
    ("a.fa", ">a\nAC\nAC\n>b\n", 4, "expected a record with a sequence, got 'b'"),
    ("a.fa", ">a\nAC\nA\xc3\n", 3, "expected letters in the sequence of 'a', got '\\\\xc3'"),
    ("a.fa", "ü\n", 1, "expected '>'"),
    ("a.fa", ">a\nAC\x00\n", 2, "expected text, got a zero byte"),
    ("a.fa", ">a\nAC\n".encode("utf-16"), 1, "got UTF-16"),
    ("a.fa", ">a\nAC\n>b\nAC GT\n", 4, "expected letters in the sequence of 'b', got ' '"),
    ("a.fa", ">a\nAC\n>b\nAC\nGT*\n", 5, "expected letters in the sequence of 'b', got '*'"),
    ("a.fq", "@a\nAC\n+\nII\n@b\nA1\n+\nII\n", 6, "expected letters in the sequence of 'b', got '1'"),
    ("a.fq", "@a\nAC\n+\nI\n", 4, "expected 2 qualities, one for each base, got '1'"),
    ("a.fa", ">a\rAC\r>b\rGT\r", 1, "expected \\n at the end of every line, got '>a\\rAC"),
    ("a.fq", "@a\nAC\n+\nII\n>b\nAC\n+\nII\n", 5, "expected '@' and a name, got '>b'"),
    ("a.fq", "@a\nAC\n+\nII\n@b\nAC\n+\n", 7, "the file ends within the record of 'b'"),
    ("a.fq", "@a\nAC\nGT\n+\nIIII\n", 3, "expected '+' after a sequence on one line, got 'GT'"),
    ("a.fq", "@a\nAC\n+\nII\n@b\n\n+\n\n", 5, "expected a record with a sequence, got 'b'"),
    ("a.fq", "@a\nAC\n+\nII\n@b\nA\xc3\n+\nII\n", 6, "expected letters in the sequence of 'b'"),
    (
        "a.seq",
        "A\tpeak_1\tACGT\t1\n",
        1,
        "expected the header FoldID EventID seq Bound, separated by tabs, got 'A\\tpe",
    ),
    ("a.seq", SEQ + "A\tpeak\tACGT\n", 4, "expected FoldID, EventID, sequence and label, separated by tabs, got 'A"),
    ("a.seq", SEQ + "\nA peak ACGT 1\n", 5, "expected FoldID, EventID, sequence and label"),
    ("a.seq", SEQ + "A\tACGT\t17\t1\n", 4, "expected FoldID, EventID, sequence and label"),
    ("a.seq", SEQ + "A\tpeak\tACGT\t0.7\n", 4, "expected a label, 0 or 1, got '0.7'"),
    ("a.seq", SEQ + "A\tpeak\tACG\xe9\t0\n", 4, "expected UTF-8, got 'byte 0xe9'"),
    ("a.seq", SEQ + "A\tpeak\tACG\xc3\xa9\t0\n", 4, "expected FoldID"),
    ("a.data", DATA + ">chr1:1-4 ACGT\n", 3, "expected '>name', sequence and label, separated by spaces, got '>chr1"),
    ("a.data", DATA + "chr1:1-4 ACGT 1\n", 3, "expected '>name'"),
    ("a.data", DATA + ">chr1:1-4 1 ACGT\n", 3, "expected '>name'"),
    ("a.data", DATA + ">chr1:1-4 ACGT x\n", 3, "expected a label, 0 or 1, got 'x'"),
]


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize(("name", "text", "line", "message"), MALFORMED)
def test_a_malformed_line_is_named(write, name, text, line, message, zipped):
    path = write(name + zipped, text.encode("latin-1") if isinstance(text, str) else text)
    with pytest.raises(FileFormatError) as raised:
        read_sequences(path)
    error = str(raised.value)
    assert (raised.value.source, raised.value.line) == (str(path), line)
    assert str(path) in error
    assert f"line {line}" in error
    assert message in error
    assert error.count("line ") == 1


def test_a_name_that_is_not_a_label(write):
    with pytest.raises(ValueError, match=r"a\.fa, line 4: expected a label, 0 or 1, got 'chr1'"):
        read_sequences(write("a.fa", ">1\nAC\nGT\n>chr1 x\nAC\n"), labels_in_names=True)
    with pytest.raises(ValueError, match=r"a\.fq, line 5: expected a label, 0 or 1, got ''"):
        read_sequences(write("a.fq", "@1\nAC\n+\nII\n@\nAC\n+\nII\n"), labels_in_names=True)


def test_a_long_line_is_cut_in_the_message(write):
    with pytest.raises(ValueError) as raised:
        read_sequences(write("a.data", "A" * 5000))
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("name", ["a.fa", "a.fq", "a.seq", "a.data", "a.fa.gz", "a.seq.gz"])
@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file(write, name, text):
    with pytest.raises(ValueError, match="holds no sequences; expected at least one"):
        read_sequences(write(name, text))


def test_a_table_of_its_header_only(write):
    with pytest.raises(ValueError, match="holds no sequences"):
        read_sequences(write("a.seq", "FoldID\tEventID\tseq\tBound\n"))


@pytest.mark.parametrize("format", TEXTS)
def test_a_file_cut_off(tmp_path, format, rng):
    rows = "".join("ACGT"[i] for i in rng.integers(0, 4, 9000))
    text = {"fasta": f">a\n{rows}", "fastq": f"@a\n{rows}\n+\n{rows}", "data": f">a {rows} 1"}.get(format, SEQ + rows)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(text.encode())[:-1500])
    with pytest.raises(ValueError, match=r"a\.gz: the gzip data are damaged after [\d,]+ unpacked bytes"):
        read_sequences(path, format=format)


def test_the_place_where_a_long_file_is_cut_off(tmp_path, rng):
    text = "".join(f"@{i}\n{row.tobytes().decode()}\n+\n{'I' * 100}\n" for i, row in enumerate(_letters(rng, 4000)))
    path = tmp_path / "a.fq.gz"
    path.write_bytes(gzip.compress(text.encode())[:-10])
    with pytest.raises(FileFormatError, match="they are truncated") as raised:
        read_sequences(path)
    place = int(re.findall(r"after ([\d,]+) unpacked bytes", str(raised.value))[0].replace(",", ""))
    assert 0.9 * len(text) < place <= len(text)


def _letters(rng, n):
    return np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (n, 100))]


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_sequences(tmp_path / "nothing.fa")
    with pytest.raises(FileNotFoundError):
        read_sequences(tmp_path / "nothing.txt")


@pytest.mark.parametrize("name", ["peaks.txt", "peaks.fas", "peaks", "peaks.gz"])
@pytest.mark.parametrize("format", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_content_tells_the_format_where_the_name_does_not(write, name, format, mark):
    assert read_sequences(write(name, mark + TEXTS[format])).sequences == ["ACGT", "agct"]


def test_headers_that_look_like_lines_of_data(write):
    assert read_sequences(write("a", ">1 test 0\nACGT\n>2 test 0\nAC\n")).names == ["1 test 0", "2 test 0"]


@pytest.mark.parametrize(("text", "got"), [("chr1\t5\t9\n", "chr1.t5.t9"), ("\x89PNG", "PNG"), ("\n", "")])
def test_content_of_no_format(write, text, got):
    with pytest.raises(FileFormatError, match=rf"peaks\.txt, line 1: expected sequences in FASTA .*{got}"):
        read_sequences(write("peaks.txt", text))


@pytest.mark.parametrize("name", ["a.fa", "a.fq", "a.seq", "a.data"])
def test_byte_order_marks(write, name):
    text = TEXTS[{"a.fa": "fasta", "a.fq": "fastq"}.get(name, name[2:])]
    assert read_sequences(write(name, "\ufeff" + text)).sequences == ["ACGT", "agct"]


@pytest.mark.parametrize("name", ["Müller", "µ ∞ 日本", "a\tb"])
def test_names_beyond_ascii(write, name):
    assert read_sequences(write("a.fa", f">{name}\nACGT\n")).names == [name]
    assert read_sequences(write("a.fq", f"@{name}\nACGT\n+\nIIII\n")).names == [name]


def test_names_in_latin_1(write):
    assert read_sequences(write("a.fa", ">Müller µ\nACGT\n".encode("latin-1"))).names == ["Müller µ"]


def test_comments_in_fasta(write):
    assert read_sequences(write("a.fa", "# one\n;two\n>a\nAC\n# x\n\n  GT  \n")).sequences == ["ACGT"]


def test_gzip_in_pieces_and_with_padding(tmp_path):
    path = tmp_path / "a.fa"
    path.write_bytes(gzip.compress(b">a\nAC") + gzip.compress(b"GT\n") + b"\0" * 600_000 + gzip.compress(b">b\nC\n"))
    assert read_sequences(path).sequences == ["ACGT", "C"]
    path.write_bytes(gzip.compress(b">a\nACGT\n") + b"garbage")
    with pytest.raises(FileFormatError, match="a.fa: the gzip data are damaged after 8 unpacked bytes"):
        read_sequences(path)


def test_a_flipped_bit_in_gzip_is_seen(tmp_path, rng):
    letters = rng.choice(list("ACGT"), size=2000)
    packed = gzip.compress(("".join(f">{i}\n{letter}\n" for i, letter in enumerate(letters))).encode(), mtime=0)
    path = tmp_path / "a.fa.gz"
    n_errors = 0
    for bit in rng.integers(8 * 10, 8 * len(packed), size=100):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match=r"a\.fa\.gz"):
            read_sequences(path)
        n_errors += 1
    assert n_errors == 100


def test_a_bomb_is_refused(tmp_path):
    packer = zlib.compressobj(9, wbits=31)
    path = tmp_path / "a.fa.gz"
    packed = b"".join([packer.compress(b">a\n"), *(packer.compress(b"A" * 2**20) for _ in range(300)), packer.flush()])
    path.write_bytes(packed)
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=r"a\.fa\.gz: the first [\d,]+ bytes unpack to [\d,]+"):
        read_sequences(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e8


def test_errors_can_be_pickled(write):
    with pytest.raises(FileFormatError) as raised:
        read_sequences(write("a.fa", "ACGT"))
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (str(copy), copy.source, copy.line) == (str(raised.value), raised.value.source, 1)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device there")
def test_an_endless_file_of_zeros():
    with pytest.raises(FileFormatError, match="/dev/zero"):
        read_sequences("/dev/zero", format="fasta")
    with pytest.raises(FileFormatError, match="/dev/zero"):
        read_sequences("/dev/zero")


def test_an_unknown_format(write):
    with pytest.raises(ValueError, match="format='bed'; expected 'fasta', 'fastq', 'seq' or 'data'"):
        read_sequences(write("a.fa", FASTA), format="bed")


@pytest.mark.parametrize(("format", "zipped"), [("None", False), ("None", True), ("'seq'", False), ("'fastq'", True)])
def test_standard_input(format, zipped):
    text = {"None": FASTA, "'seq'": SEQ, "'fastq'": FASTQ}[format].encode()
    code = (
        "import sys; from skdeepprune.sequences import read_sequences\n"
        f"print(read_sequences('-', format={format}).sequences)\n"
        "print(sys.stdin.closed)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input=gzip.compress(text) if zipped else text, capture_output=True, check=True
    )
    assert run.stdout.decode().split("\n")[:2] == ["['ACGT', 'agct']", "False"]


@pytest.mark.parametrize("format", ["fasta", "seq", "data"])
def test_reading_one_by_one_takes_constant_memory(write, format):
    row = {"fasta": f">a\n{'ACGT' * 250}\n", "seq": f"A\tb\t{'ACGT' * 250}\t1\n", "data": f">a {'ACGT' * 250} 1\n"}
    header = "FoldID\tEventID\tseq\tBound\n" if format == "seq" else ""
    path = write(f"a.{format}.gz", header + row[format] * 5000)
    tracemalloc.start()
    n = sum(len(record.sequence) for record in iter_sequences(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 5000 * 1000
    assert peak < 1e6


def test_stopping_early_closes_the_file(write):
    records = iter_sequences(write("a.fa.gz", FASTA))
    next(records)
    records.close()


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt") as file:
        return file.read().splitlines()


def test_every_deepbind_set(shared_data):
    paths = sorted((shared_data / "deepbind").glob("*.seq.gz"))
    assert len(paths) == 36
    for path in paths:
        rows = [line.split("\t") for line in _lines(path)[1:]]
        read = read_sequences(path)
        assert read.names == [row[1] for row in rows]
        assert read.sequences == [row[2] for row in rows]
        assert read.labels.tolist() == [int(row[3]) for row in rows]
        assert {len(sequence) for sequence in read.sequences} == {101}
        n_positives = int(read.labels.sum())
        if path.name.endswith("_AC.seq.gz"):
            assert n_positives == len(read)
        else:
            assert 2 * n_positives == len(read) == (2644 if path.name.startswith("SERBP1") else 1000)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("wgEncodeAwgTfbsUwWerirb1CtcfUniPk.train", (38536, 38638)),
        ("wgEncodeAwgTfbsUwWerirb1CtcfUniPk.test", (9823, 9721)),
        ("wgEncodeAwgTfbsBroadDnd41Ezh239875UniPk.train", (1328, 1352)),
        ("wgEncodeAwgTfbsBroadDnd41Ezh239875UniPk.test", (348, 322)),
    ],
)
def test_the_690_sets(shared_data, name, counts):
    path = shared_data / "zeng" / f"{name}.data.gz"
    read = read_sequences(path)
    assert (int(read.labels.sum()), int((read.labels == 0).sum())) == counts
    if read.names[0].startswith("chr"):  # the file of CTCF numbers its sequences instead
        assert [label == 0 for label in read.labels] == [name.endswith("_shuf") for name in read.names]
        # The names count from 1.
        assert {end - start for start, end in zip(read.start, read.end, strict=True)} == {101}
        assert [f"{c}:{s + 1}-{e}" for c, s, e in zip(read.chrom, read.start, read.end, strict=True)] == [
            name.removesuffix("_shuf") for name in read.names
        ]
    assert {len(sequence) for sequence in read.sequences} == {101}
    assert f">{read.names[-1]} {read.sequences[-1]} {read.labels[-1]}" == _lines(path)[-1]


@pytest.mark.parametrize("name", ["CTCF", "EP300", "JUND"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_fastsk_sets(shared_data, name, part):
    path = shared_data / "fastsk" / f"{name}.{part}.fasta.gz"
    read = read_sequences(path, labels_in_names=True)
    lines = _lines(path)
    assert read.labels.tolist() == [int(line[1:]) for line in lines[::2]]
    assert read.sequences == lines[1::2]
    assert (len(read), int(read.labels.sum())) == (2000, 1000)
    assert encode(read.sequences).shape == (2000, 100)


def test_lsgkm_sets(shared_data):
    for part, n in (("tr", 644), ("neg.tr", 644), ("test", 69), ("neg.test", 69)):
        read = read_sequences(next((shared_data / "lsgkm").glob(f"*Rep0.{part}.fa.gz")))
        assert len(read) == n
        assert read.labels is None
        assert min(map(len, read.sequences)) < max(map(len, read.sequences))
        if part == "test":
            predicted = next((shared_data / "lsgkm").glob("*Rep0.test.pred.txt")).read_text().split("\n")
            assert read.names == [line.split("\t")[0] for line in predicted if line]


def test_fastq_as_dnaio_reads_it(write):
    text = "".join(f"@read{i} x\n{'ACGTN'[i % 5] * (i + 1)}\n+\n{'I' * (i + 1)}\n" for i in range(400))
    read = read_sequences(write("a.fastq.gz", text))
    with dnaio.open(io.BytesIO(text.encode()), fileformat="fastq") as reader:
        assert [(r.name, r.sequence) for r in reader] == list(zip(read.names, read.sequences, strict=True))
