"""Damaged files end in the documented error or in what they can still mean, without a hang or much memory.

The command line reads them too: it ends with exit code 0, or with 1 or 2 and one line that names the file.

`make fuzz` runs SKDEEPPRUNE_FUZZ of them and prints the outcomes; a number always makes the same file.
"""

import collections
import contextlib
import gzip
import io
import itertools
import json
import os
import signal
import zlib

import numpy as np
import pytest
from fuzzing import MAX_SECONDS, N_INPUTS, limits

from skdeepprune import DeepPruneClassifier, load_model, save_model
from skdeepprune._model_layout import pack, unpack
from skdeepprune.cli import main
from skdeepprune.effects._vcf import opened_variants
from skdeepprune.motifs import Motif, Site, read_motifs, write_motifs
from skdeepprune.sequences import FileFormatError, Genome, read_regions, read_sequences

N_SHORT = 600

FASTA = b">chr1:5-13 a\nACGTNacg\nTTGA\n>1 bound\nGGCCA\n>chr2\nACGT\nACGT\nAC\n"
FASTQ = b"@r1 x\nACGT\n+\nIIII\n@r2\nGGN\n+r2\n#!~\n"
SEQ = b"FoldID\tEventID\tseq\tBound\nA\tseq_1\tACGTAC\t1\nB\tseq_2\tGGTTAA\t0\n"
DATA = b">chr1:5-9 ACGT 1\n>chr2:7-11(-) GGTA 0\n"
BED = b"track name=x\nchr1\t100\t300\tpeak_1\t5\t-\nchr2\t0\t50\n# end\n"
NARROW = b"chr1\t1000\t1200\tp\t0\t.\t1\t1\t1\t10\nchr1\t50\t90\tq\t9\t+\t1.5\t-1\t2e3\t-1\n"
BROAD = b"chr1\t1000\t1200\tp\t0\t.\t1\t1\t1\n"
HOMER = b">ACGT\tx/Homer\t6.5\t-20\t0\tT:17.0(44%),B:2(5%)\n.97 .01 .01 .01\n0 1 0 0\n.1 .2 .3 .4\n.25 .25 .25 .25\n"
MEME = (
    b'MEME version 5\n\nALPHABET "DNA" DNA-LIKE\nA "Adenine" CC0000 ~ T "Thymine" 0000CC\nC ~ G\nEND ALPHABET\n'
    b"Background letter frequencies\nA 0.3 C 0.2 G 0.2 T 0.3\nMOTIF M1 one\n"
    b"letter-probability matrix: alength= 4 w= 2 nsites= 8 E= 0\n\n.7 .1 .1 .1\n.1 .7 .1 .1\nURL x\n"
)
VCF = (
    b'##fileformat=VCFv4.2\n##contig=<ID=chr1,length=2000>\n##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n'
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\nchr1\t101\trs1\tA\tC\t5.0\tPASS\tDP=3\tGT\t0/1\n"
    b"chr1\t201\t.\tACGT\tA,*,<DEL>,ACGTT\t.\t.\t.\tGT\t1|2\nchr2\t305\t.\tT\tTGG\t.\tq10\tDP=1;X\tGT\t.\n"
    b"chr3\t5\t.\tG\tN\t.\t.\t.\tGT\t.\n"
)
PROBABILITIES = b"AC  M\nXX\nID  x\nP0  T G C A\n1 .9 .03 .03 .04 A\n2 .05 .9 .03 .02 C\nBA  8 sites\n//\n"
NAMES = [".fa", ".fq", ".seq", ".data", ".bed", ".narrowPeak", ".broadPeak", ".txt", ".fa.gz", ".BED.GZ", ".meme", ""]
PIECES = [
    *(b"\0", b"\r", b"\n", b"\t", b" ", b">", b"@", b"+", b"N", b"//\n", b"[", b"[" * 2000, b"{", b'"', b"#", b"="),
    *(b"nan", b"inf", b"-1", b"1e999", b"1e308", b"1e-400", b"0.5", b"99999999999999999999", b"9" * 5000, b"1_0"),
    *(
        "\u0661\u0662".encode(),
        "\u00e9".encode(),
        b"\xe9",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\0",
    ),
    *(b"MOTIF x\n", b"MEME version 4\n", b"w= 99999999", b"ALPHABET= TGCA\n", b"P0 A C G T\n", b"track\n"),
]


def motifs(rng, format):
    sites = (Site(0, "s", 1, "+", 1.5, "ACGT"),)
    counted = [Motif("a", rng.integers(0, 9, (4, 4)) + 0.5, 9, sites, kernel=1, weight=0.5, notes=("n",))]
    text = io.StringIO()
    write_motifs([*counted, Motif("b", rng.integers(1, 9, (3, 4)), 20, accession="X1")], text, format)
    return text.getvalue().encode()


def mutated(content, rng):
    """Damage bytes once or a few times, as disks, editors, transfers and people do."""
    for _ in range(rng.integers(1, 5)):
        size = len(content)
        one, other = sorted(rng.integers(0, size + 1, 2).tolist())
        other = min(other, one + int(rng.integers(1, 40)))
        how = rng.integers(0, 9)
        if how <= 1 and size:
            at = int(rng.integers(size))
            content = content[:at] + bytes([content[at] ^ 1 << int(rng.integers(8))]) + content[at + 1 :]
        elif how == 2:
            content = content[:one]
        elif how == 3:
            content = content[:one] + content[other:]
        elif how == 4:
            content = content[:one] + content[one:other] * int(rng.integers(2, 5)) + content[other:]
        elif how == 5:
            content = content[:one] + rng.bytes(int(rng.integers(1, 9))) + content[one:]
        elif how <= 7:
            content = content[:one] + PIECES[rng.integers(len(PIECES))] + content[other if how == 6 else one :]
        elif rng.integers(3) == 0:
            content = content.decode("latin-1").encode("utf-16") if rng.integers(2) else gzip.compress(content, mtime=0)
    return content


def check_sequences(path):
    found = read_sequences(path)
    assert len(found) and all(found.sequences)


def check_regions(path):
    assert all(0 <= region.start < region.end for region in read_regions(path))


def check_motifs(path):
    for motif in read_motifs(path):
        np.testing.assert_allclose(motif.ppm.sum(axis=1), 1)
        assert np.isfinite(motif.total_information) and len(motif.consensus) == motif.width


def check_genome(path):
    with Genome(path) as genome:
        for chrom, length in itertools.islice(genome.lengths.items(), 10):
            assert len(genome.sequence(chrom, 0, min(length, 1000))) == min(length, 1000)


def index_of(fasta, folder):
    path = folder / "whole.fa"
    path.write_bytes(fasta)
    Genome(path).close()
    return path.with_name("whole.fa.fai").read_bytes()


def check_index(path):
    with Genome(path) as genome:
        assert list(genome.lengths) == ["chr1:5-13", "1", "chr2"]
        assert [genome.sequence(chrom) for chrom in genome.lengths] == ["ACGTNacgTTGA", "GGCCA", "ACGTACGTAC"]


def check_model(path):
    load_model(path).predict_proba(["ACGTACGTAC"])


class RefusedError(Exception):
    """The command line ended with an exit code other than 0, and one line."""


def check_command(path):
    folder, errors = path.parent, io.StringIO()
    table = folder / "table.tsv"
    options = ["--genome", folder / "genome.fa", "--width", "10", "--n-jobs", "1", "--out", table, "--force", "--quiet"]
    with contextlib.redirect_stderr(errors):
        code = main([str(argument) for argument in ["predict", folder / "model.safetensors", path, *options]])
    text = errors.getvalue()
    if code == 0:
        header, *rows = table.read_text().splitlines()
        assert rows and {row.count("\t") for row in rows} == {header.count("\t")} and text == ""
        return
    assert code in (1, 2) and text.startswith("skdeepprune: ") and text.count("\n") == 1 and path.name in text
    raise RefusedError(text)


def check_variants(path):
    folder, errors = path.parent, io.StringIO()
    out = folder / "out.vcf"
    options = ["--genome", folder / "genome.fa", "--window", "12", "--background", "3", "--out", out, "--force"]
    arguments = ["variants", folder / "model.safetensors", path, *options, "--n-jobs", "1", "--quiet"]
    with contextlib.redirect_stderr(errors):
        code = main([str(argument) for argument in arguments])
    text = errors.getvalue()
    if code:
        assert code in (1, 2) and text.startswith("skdeepprune: ") and text.count("\n") == 1 and path.name in text
        raise RefusedError(text)
    assert all(" alleles " in line for line in text.splitlines())
    with opened_variants(path) as before, opened_variants(out) as after:
        pairs = zip(before, after, strict=True)
        assert all(one.variant == other.variant and b"SDP_STATUS=" in other.fields[7] for one, other in pairs)


KINDS = {
    "sequences": (check_sequences, FileFormatError, [".fa", ".fq", ".seq", ".data"]),
    "regions": (check_regions, FileFormatError, [".bed", ".narrowPeak", ".broadPeak"]),
    "motifs": (check_motifs, FileFormatError, [".meme", ".jaspar", ".transfac", ".homer", ".meme", ".transfac"]),
    "genome": (check_genome, FileFormatError, [".fa"]),
    "genome index": (check_index, FileFormatError, [".fa.fai"]),
    "model": (check_model, ValueError, [".safetensors"]),
    "sealed model": (check_model, ValueError, [".safetensors"]),
    "command line": (check_command, RefusedError, [".fa", ".fq", ".seq", ".data", ".bed", ".narrowPeak", ".broadPeak"]),
    "variants": (check_variants, RefusedError, [".vcf"]),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    rng = np.random.default_rng(0)
    X = ["".join(letters) for letters in rng.choice(list("ACGT"), (40, 12))]
    save_model(DeepPruneClassifier(n_prunings=1, kernel_length=4, max_iter=2, random_state=0).fit(X, [0, 1] * 20), path)
    return path


@pytest.fixture
def seeds(request, kind):
    """Make the files, still undamaged."""
    if kind in ("model", "sealed model"):
        return [request.getfixturevalue("model").read_bytes()]
    rng = np.random.default_rng(0)
    if kind in ("command line", "variants"):
        folder = request.getfixturevalue("tmp_path")
        (folder / "model.safetensors").write_bytes(request.getfixturevalue("model").read_bytes())
        (folder / "genome.fa").write_text("".join(f">chr{i}\n{'ACGTTGCAGA' * 200}\n" for i in (1, 2)))
        return [VCF] if kind == "variants" else [FASTA, FASTQ, SEQ, DATA, BED, NARROW, BROAD]
    return {
        "sequences": [FASTA, FASTQ, SEQ, DATA],
        "regions": [BED, NARROW, BROAD],
        "motifs": [*(motifs(rng, format) for format in ("meme", "jaspar", "transfac")), HOMER, MEME, PROBABILITIES],
        "genome": [FASTA],
        "genome index": [index_of(FASTA, request.getfixturevalue("tmp_path"))],
    }[kind]


def fuzz(kind, seeds, folder, n_inputs):
    check, documented, names = KINDS[kind]
    outcomes = collections.Counter()
    with limits():
        for number in range(n_inputs):
            rng = np.random.default_rng([list(KINDS).index(kind), number])
            which = int(rng.integers(len(seeds)))
            content = seeds[which]
            if kind == "sealed model":
                source = folder / "whole"
                source.write_bytes(content)
                arrays, description = unpack(source)
                text = mutated(json.dumps(description).encode(), rng).decode("utf-8", "replace")
                content = pack(arrays, text)
            else:
                content = mutated(gzip.compress(content, mtime=0) if rng.integers(8) == 0 else content, rng)
            extension = (
                names[which] if kind.startswith("genome") or rng.integers(4) else NAMES[rng.integers(len(NAMES))]
            )
            path = folder / f"x{extension}"
            path.write_bytes(content)
            read = path
            if kind == "genome index":
                read = folder / "x.fa"
                read.write_bytes(FASTA)
                os.utime(read, (0, 0))
            elif kind == "genome":
                (folder / "x.fa.fai").unlink(missing_ok=True)
            signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
            try:
                check(read)
                outcomes["read"] += 1
            except documented as error:
                assert "\0" not in str(error) and len(str(error)) < 2000
                outcomes["refused"] += 1
            except BaseException as error:
                error.add_note(f"{kind}, input {number}, {path.name}: {content[:400]!r}")
                raise
    assert outcomes.total() == n_inputs
    return outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_some_damaged_files(kind, seeds, tmp_path):
    outcomes = fuzz(kind, seeds, tmp_path, N_SHORT // len(KINDS))
    assert kind == "genome index" or outcomes["refused"]  # a damaged index is written anew


@pytest.mark.parametrize("fill", [b"A", b"\n", b"0 ", b"1 0 0 0\n", b"[", b"\0", b"x\t"])
@pytest.mark.parametrize("kind", ["sequences", "regions", "motifs", "genome"])
def test_bombs(kind, seeds, tmp_path, fill):
    check, documented, names = KINDS[kind]
    path = tmp_path / f"x{names[0]}.gz"
    packer = zlib.compressobj(wbits=31)
    whole = [packer.compress(seeds[0]), *(packer.compress(fill * (2**20 // len(fill))) for _ in range(10))]
    path.write_bytes(b"".join([*whole, packer.flush()]))
    with limits(), pytest.raises(documented, match=path.name):
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        check(path)


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files(kind, seeds, tmp_path, capsys):
    n_inputs = N_INPUTS // len(KINDS)
    outcomes = fuzz(kind, seeds, tmp_path, n_inputs)
    with capsys.disabled():
        print(f"\n{kind:13} {n_inputs:7} inputs: {outcomes['read']:7} read, {outcomes['refused']:7} refused", end="")
    assert kind == "genome index" or outcomes["refused"]  # a damaged index is written anew
