"""The commands `scan` and `track`."""

import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest
from strategies import classifier_of, random_network, random_sequence

from skdeepprune import save_model
from skdeepprune.cli import main
from skdeepprune.effects import scan, track


@pytest.fixture
def folder(rng, tmp_path, monkeypatch):
    """The working folder, with a model, a genome and regions."""
    monkeypatch.chdir(tmp_path)
    genome = {"chr1": random_sequence(rng, 3000, 0.05), "chr2": random_sequence(rng, 200)}
    text = "".join(f">{name}\n{sequence}\n" for name, sequence in genome.items())
    (tmp_path / "genome.fa").write_text(text)
    (tmp_path / "genome.fa.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "regions.bed").write_text("chr1\t100\t900\nchr1\t800\t1000\n")
    save_model(classifier_of(random_network(rng, word_length=2)), tmp_path / "model.safetensors")
    return tmp_path


@pytest.fixture
def classifier(rng, folder):
    from skdeepprune import load_model

    return load_model(folder / "model.safetensors")


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_scan_writes_the_hits(folder, classifier, capsys):
    assert run("scan", "model.safetensors", "genome.fa", "--p-value", "0.01", "--out", "hits.bed") == 0
    summary = capsys.readouterr().err
    hits = pd.read_csv("hits.bed", sep="\t")
    expected = scan(classifier, folder / "genome.fa", p_value=0.01)
    assert hits["start"].tolist() == expected["start"].tolist() and len(hits) > 20
    assert hits["name"].tolist() == expected["kernel"].tolist()
    assert summary.split()[:5] == ["kernel", "windows", "threshold", "hits", "expected"]
    text = (folder / "hits.bed").read_text()
    for genome in ("genome.fa", "genome.fa.gz"):
        assert run("scan", "model.safetensors", genome, "--p-value", "0.01", "--quiet", "--n-jobs", "2") == 0
        assert capsys.readouterr() == (text, "")


def test_scan_within_regions_with_a_background(folder, classifier, capsys):
    options = ["--regions", "regions.bed", "--background", "0.3,0.2,0.2,0.3", "--no-q", "--p-value", "0.01"]
    assert run("scan", "model.safetensors", "genome.fa", *options, "--quiet") == 0
    hits = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    background = (0.3, 0.2, 0.2, 0.3)
    expected = scan(classifier, "genome.fa", "regions.bed", p_value=0.01, background=background)
    assert hits["start"].tolist() == expected["start"].tolist() and len(hits) > 5
    assert hits.columns.tolist()[-2:] == ["activation", "p"]


def test_kernels_are_named_by_their_matches(folder, capsys):
    rows = [("kernel_0", "CTCF", 1e-8), ("kernel_0", "CTCFL", 1e-3), ("kernel_2", "NRF 1", 0.04), ("kernel_1", "x", 3)]
    pd.DataFrame(rows, columns=["query", "target", "E"]).to_csv("tomtom.csv", index=False)
    assert run("scan", "model.safetensors", "genome.fa", "--out", "hits.bed", "--json") == 0
    kernels = [row["kernel"] for row in json.loads(capsys.readouterr().out)["kernels"]]
    assert kernels == ["kernel_0:CTCF", "kernel_1", "kernel_2:NRF_1"]
    (folder / "other.csv").write_text("a,b\n1,2\n")
    assert run("scan", "model.safetensors", "genome.fa", "--matches", "other.csv") == 1
    assert "the columns query, target and E" in capsys.readouterr().err


def test_track_writes_bigwig(folder, classifier, capsys):
    pytest.importorskip("figwig", reason="the extra tracks is not installed")
    bigwig = pytest.importorskip("pyBigWig", reason="pyBigWig is not installed")
    options = ["--window", "50", "--step", "7", "--kernels"]
    assert run("track", "model.safetensors", "genome.fa", "--out", "out.bw", *options) == 0
    assert "Wrote out.bw, out.kernel_0.bw" in capsys.readouterr().err
    (expected, *_) = track(classifier, folder / "genome.fa", folder / "expected.bw", window=50, step=7)
    assert (folder / "out.bw").read_bytes() == expected.read_bytes()
    with bigwig.open("out.kernel_2.bw") as file:
        assert np.isfinite(file.values("chr1", 25, 30)).any()
    assert run("track", "model.safetensors", "genome.fa", "--out", "out.bw", *options) == 1
    assert "out.bw already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["scan", "model.safetensors", "genome.fa", "--p-value", "0"], 2, "a probability above 0"),
        (["scan", "model.safetensors", "genome.fa", "--background", "1,2"], 2, "four numbers above 0"),
        (["scan", "model.safetensors", "genome.fa", "--json"], 2, "name a file for the hits"),
        (["scan", "model.safetensors", "missing.fa"], 1, "missing.fa"),
        (["scan", "model.safetensors", "genome.fa", "--regions", "other.bed"], 1, "has 'chr1': rename"),
        (["scan", "model.safetensors", "genome.fa", "--out", "genome.fa", "--force"], 2, "is also an input"),
        (["track", "model.safetensors", "genome.fa", "--out", "a.bw", "--window", "5"], 1, "1 <= step <= window"),
        (["track", "model.safetensors", "genome.fa", "--out", "no/a.bw"], 1, "for a.bw does not exist"),
    ],
)
def test_inconsistent_options_are_refused(arguments, code, message, folder, capsys):
    (folder / "other.bed").write_text("1\t5\t50\n")
    names = sorted(path.name for path in folder.iterdir() if path.suffix != ".fai")
    assert run(*arguments) == code
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".fai") == names
