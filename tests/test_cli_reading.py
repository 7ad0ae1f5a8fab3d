"""Users' own files: labels in headers, peaks, strands, rows without a score."""

import gzip
import io
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from skdeepprune import DeepPruneClassifier, load_model, save_model
from skdeepprune.cli import main, make_parser
from skdeepprune.cli._read import read_named
from skdeepprune.datasets import load_simulated
from skdeepprune.sequences import reverse_complement

SMALL = ["--kernels", "2", "--prunings", "1", "--kernel-length", "8", "--max-iter", "2", "--targets", "none"]


@pytest.fixture(scope="module")
def data():
    return load_simulated(3, n_train=300, n_test=200, random_state=0)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """A model that reads the given strand only."""
    classifier = DeepPruneClassifier(
        2, n_prunings=1, kernel_length=8, max_iter=2, reverse_complement=False, random_state=0
    )
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(classifier.fit(data.X_train, data.y_train), path)
    return path


@pytest.fixture
def genome(tmp_path, rng):
    sequence = "".join(rng.choice(list("ACGT"), size=3000))
    path = tmp_path / "genome" / "genome.fa"
    path.parent.mkdir()
    path.write_text(">chr1\n" + "\n".join(sequence[i : i + 60] for i in range(0, 3000, 60)) + "\n>chr2\nACGT\n")
    return path, sequence


def run(*arguments):
    return main([str(argument) for argument in arguments])


def table_of(text):
    return pd.read_csv(io.StringIO(text), sep="\t")


def read_peaks(path, genome, width="101"):
    options = make_parser().parse_args(
        ["fit", str(path), "--genome", str(genome), "--width", width, "--out", "unused", "--quiet"]
    )
    return read_named(options.positives, options)


def fasta(X, headers):
    return "".join(f">{header}\n{x}\n" for x, header in zip(X, headers, strict=True))


class TestLabels:
    @pytest.mark.parametrize("header", ["{}", "{} peak 7", "{}\tpeak"])
    def test_they_are_found(self, data, model, write, tmp_path, capsys, header):
        path = write("test.txt", fasta(data.X_test, [header.format(label) for label in data.y_test]))
        arguments = ["report", model, path, "--targets", "none", "--out", tmp_path / "report.html"]
        assert run(*arguments) == 0
        error = capsys.readouterr().err
        n = int(data.y_test.sum())
        assert f"test.txt: the headers start with labels, {n} of 1 and {200 - n} of 0" in error
        assert f"Reading {n} bound and {200 - n} unbound sequences" in error

    def test_in_the_files_of_fastsk(self, model, shared_data, tmp_path, capsys):
        path = shared_data / "fastsk" / "CTCF.test.fasta.gz"
        assert run("report", model, path, "--targets", "none", "--out", tmp_path / "report.html") == 0
        assert "Reading 1000 bound and 1000 unbound sequences of 100 bp" in capsys.readouterr().err

    def test_in_test_sequences(self, data, write, tmp_path, capsys):
        train = write("train.fa", fasta(data.X_train, data.y_train))
        test = write("test.fa", fasta(data.X_test, data.y_test))
        assert run("fit", train, "--test", test, "--out", tmp_path / "out", "--json", *SMALL) == 0
        captured = capsys.readouterr()
        assert '"n_train": 300' in captured.out and '"n_test": 200' in captured.out
        assert "test.fa: the headers start with labels" in captured.err

    def test_names_that_are_numbers_are_not_labels(self, data, write):
        path = write("bound.fa", fasta(data.X_train, range(300)))
        assert read_peaks(path, None).labels is None

    def test_labels_in_some_headers_only(self, data, write, tmp_path, capsys):
        path = write("test.fa", fasta(data.X_train, [*data.y_train[:-1], "chr1:5-9"]))
        assert run("fit", path, "--out", tmp_path / "out", *SMALL) == 1
        assert (
            "test.fa: the headers of 299 sequences start with a label (0 or 1), but that of sequence 299 starts with"
            " 'chr1:5-9'" in capsys.readouterr().err
        )


class TestPeaks:
    def test_around_their_middle(self, genome, write, capsys):
        path, sequence = genome
        bed = write("peaks.bed", "track name=x\n# comment\nchr1\t100\t300\tpeak\nchr1\t1\t5\n\nchr1\t400\t420\n")
        found = read_peaks(bed, path)
        assert found.names == ["chr1:150-251", "chr1:360-461"]  # the second would begin before the chromosome
        assert found.sequences == [sequence[150:251], sequence[360:461]]
        assert "peaks.bed: of 3 peaks 1 beyond chromosome; they are left out" in capsys.readouterr().err
        assert read_peaks(bed, path, "0").sequences == [sequence[100:300], sequence[1:5], sequence[400:420]]

    @pytest.mark.parametrize("name", ["peaks.narrowPeak.gz", "peaks.narrowPeak", "e.bed", "e.bed.gz", "E.BED", "e.txt"])
    @pytest.mark.parametrize("packed", [True, False])
    def test_around_their_summit(self, genome, write, name, packed):
        path, sequence = genome
        columns = "x\t0\t.\t1\t1\t1"
        text = f"chr1\t100\t300\t{columns}\t30\nchr1\t100\t300\t{columns}\t-1\n".encode()
        peaks = write(name, gzip.compress(text) if packed else text)
        assert read_peaks(peaks, path, "10").sequences == [sequence[125:135], sequence[195:205]]

    def test_the_width_in_use_is_reported(self, model, genome, write, capsys):
        narrow = write("e.bed", "chr1\t1000\t1200\tp\t0\t.\t1\t1\t1\t10\n")
        assert run("predict", model, narrow, "--genome", genome[0]) == 0
        captured = capsys.readouterr()
        assert "e.bed: 101 bp around the summit of every peak" in captured.err
        assert table_of(captured.out)[["scored_start", "scored_end"]].values.tolist() == [[960, 1061]]
        broad = write("e.broadPeak", "chr1\t1000\t1200\tp\t0\t.\t1\t1\t1\n")
        assert run("predict", model, broad, "--genome", genome[0]) == 0
        assert "e.broadPeak: 101 bp around the midpoint of every peak" in capsys.readouterr().err

    def test_on_their_strand(self, model, genome, write, capsys):
        path, sequence = genome
        bed = write("peaks.bed", "chr1\t100\t300\tx\t0\t-\nchr1\t100\t300\tx\t0\t+\nchr1\t100\t300\tx\t0\t.\n")
        minus, plus, unknown = read_peaks(bed, path).sequences
        assert minus == reverse_complement(plus) and plus == unknown == sequence[150:251]
        assert run("predict", model, bed, "--genome", path, "--quiet") == 0
        table = table_of(capsys.readouterr().out)
        expected = load_model(model).predict_proba([minus, plus, plus])[:, 1]
        np.testing.assert_allclose(table["probability"], expected, rtol=1e-5)
        assert abs(expected[0] - expected[1]) > 1e-3  # the model reads one strand

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("chr1\t5\t1\n", "line 1: expected a start before the end, got 5 and 1"),
            ("chr1\t5\n", "line 1: expected chromosome, start and end"),
            ("chr2\t1\t3\nchrX\t5\t9\n", "line 2: 'chrX' is not in .*genome.fa, which begins with 'chr1', 'chr2'"),
            ("chr2\t1\t3\n", "no peaks within .*genome.fa"),
            ("# nothing\n", "peaks.bed contains no peaks; expected at least one"),
            (gzip.compress(b"chr1\t500\t510\n" * 99, mtime=0)[:-9], "peaks.bed: the gzip data are damaged"),
        ],
    )
    def test_bad_peaks_are_reported(self, genome, write, text, message):
        with pytest.raises(ValueError, match=message):
            read_peaks(write("peaks.bed", text), genome[0])

    def test_a_chromosome_twice(self, genome, write):
        path, _ = genome
        path.write_text(path.read_text() + ">chr1\nACGT\n")
        with pytest.raises(
            ValueError, match=r"genome\.fa, line 54: expected each chromosome once, with 'chr1' in line 1"
        ):
            read_peaks(write("peaks.bed", "chr1\t5\t9\n"), path)

    def test_fit(self, genome, write, tmp_path, capsys):
        bed = write("peaks.bed", "".join(f"chr1\t{start}\t{start + 50}\n" for start in range(100, 2800, 60)))
        arguments = ["fit", bed, "--out", tmp_path / "out", "--quiet", *SMALL]
        assert run(*arguments) == 2
        assert "give the genome's FASTA file with --genome" in capsys.readouterr().err
        assert run(*arguments, "--genome", genome[0]) == 0
        assert "chr1:" in (tmp_path / "out" / "report.html").read_text()

    def test_fit_skips_peaks_outside_the_genome_and_says_so(self, genome, write, tmp_path, capsys):
        lines = [f"chr1\t{start}\t{start + 50}\n" for start in range(100, 2800, 60)]
        bed = write("peaks.bed", "".join([*lines, "chr1\t2990\t2999\n", "chrX\t5\t9\n", "chrX\t7\t9\n"]))
        assert run("fit", bed, "--genome", genome[0], "--out", tmp_path / "out", "--quiet", *SMALL) == 0
        n = len(lines) + 3
        expected = f"peaks.bed: of {n} peaks 1 beyond chromosome, 2 chromosome not in genome; they are left out\n"
        assert expected in capsys.readouterr().err


class TestPredict:
    @pytest.mark.parametrize("portion", [2, 20_000])
    def test_every_peak_has_a_row(self, model, genome, write, capsys, monkeypatch, portion):
        monkeypatch.setattr("skdeepprune.cli._predict._BATCH_SEQUENCES", portion)
        path, sequence = genome
        bed = write(
            "peaks.bed",
            "chrX\t5\t9\tlost\nchrX\t6\t9\tlost\nchr1\t100\t300\tone\t7\t-\nchr1\t2990\t2999\tedge\nchr1\t400\t420\n",
        )
        assert run("predict", model, bed, "--genome", path, "--scores", "--quiet") == 0
        captured = capsys.readouterr()
        table = table_of(captured.out)
        assert table["name"].tolist() == ["lost", "lost", "one", "edge", "chr1:400-420"]
        assert table["chrom"].tolist() == ["chrX", "chrX", "chr1", "chr1", "chr1"]
        assert table[["start", "end"]].values.tolist() == [[5, 9], [6, 9], [100, 300], [2990, 2999], [400, 420]]
        assert table["strand"].tolist() == [".", ".", "-", ".", "."]
        unknown, beyond = "chromosome not in genome", "beyond chromosome"
        assert table["status"].tolist() == [unknown, unknown, "ok", beyond, "ok"]
        scored = table[table["status"] == "ok"]
        assert scored[["scored_start", "scored_end"]].values.tolist() == [[150, 251], [360, 461]]
        sequences = [reverse_complement(sequence[150:251]), sequence[360:461]]
        classifier = load_model(model)
        np.testing.assert_allclose(scored["probability"], classifier.predict_proba(sequences)[:, 1], rtol=1e-5)
        kernels = ["kernel_0", "kernel_1"]
        np.testing.assert_allclose(scored[kernels], classifier.transform(sequences), rtol=1e-5)
        assert table.loc[table["status"] != "ok", ["probability", *kernels]].isna().all(axis=None)
        assert captured.err == ""

    def test_rows_without_a_score_are_counted(self, model, genome, write, capsys):
        bed = write("peaks.bed", "chrX\t5\t9\nchr1\t100\t300\n")
        assert run("predict", model, bed, "--genome", genome[0]) == 0
        assert "of 2 peaks 1 chromosome not in genome; no probability for these" in capsys.readouterr().err

    def test_peaks_of_another_genome(self, model, genome, write, tmp_path, capsys):
        bed = write("peaks.bed", "1\t100\t300\n1\t400\t420\n")
        assert run("predict", model, bed, "--genome", genome[0], "--out", tmp_path / "table.tsv") == 1
        error = capsys.readouterr().err
        assert "peaks.bed, line 1: '1' is not in" in error and "which begins with 'chr1', 'chr2'" in error
        assert not (tmp_path / "table.tsv").exists()

    @pytest.mark.parametrize("name", ["a.txt", "a.fas", "a"])
    def test_any_file_name_is_read(self, model, write, capsys, name):
        assert run("predict", model, write(name, ">x\nACGTACGTACGT\n"), "--quiet") == 0
        assert table_of(capsys.readouterr().out)["name"].tolist() == ["x"]

    def test_the_advice_is_for_the_command_line(self, model, write, capsys):
        assert run("predict", model, write("a.txt", "hello\n"), "--quiet") == 1
        error = capsys.readouterr().err
        assert "a.txt, line 1: expected sequences in FASTA" in error and "format=" not in error

    @pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="no such device there")
    @pytest.mark.parametrize("name", ["-", "/dev/stdin"])
    @pytest.mark.parametrize("kind", ["fasta", "bed", "bed.gz"])
    def test_standard_input(self, model, genome, name, kind):
        text = b">x\nACGTACGTACGT\n" if kind == "fasta" else b"chr1\t100\t300\tx\n"
        process = subprocess.run(
            [sys.executable, "-m", "skdeepprune", "predict", model, name, "--genome", genome[0], "--quiet"],
            input=gzip.compress(text) if kind.endswith("gz") else text,
            capture_output=True,
            check=True,
        )
        assert table_of(process.stdout.decode())["name"].tolist() == ["x"]

    @pytest.mark.parametrize("header", ["\ufeff>Müller", ">Müller ∞"])
    def test_headers_beyond_ascii(self, model, write, capsys, header):
        assert run("predict", model, write("a.fa", f"{header}\nACGTACGT\n"), "--quiet") == 0
        assert table_of(capsys.readouterr().out)["name"].tolist() == [header.lstrip("\ufeff>")]
