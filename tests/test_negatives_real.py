"""What a classifier learns from real peaks and their negatives; minutes."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier
from skdeepprune.cli import main
from skdeepprune.genome import region_table
from skdeepprune.sequences import dinucleotide_shuffle, read_regions, read_sequences

HELD_OUT = ["chr1", "chr8", "chr21"]


@pytest.mark.slow
def test_one_classifier_is_good_against_shuffles_and_genomic_negatives(shared_data):
    train, test = {}, {}
    for kind, name in (("bound", "posSet.fa.gz"), ("genomic", "negSet.fa.gz")):
        found = read_sequences(shared_data / "genome" / name)
        is_test = np.isin(found.chrom, HELD_OUT)
        sequences = np.array(found.sequences)
        train[kind], test[kind] = sequences[~is_test].tolist(), sequences[is_test].tolist()
    for part in (train, test):
        part["shuffles"] = dinucleotide_shuffle(part["bound"], random_state=5)
    X = train["bound"] + train["genomic"] + train["shuffles"]
    y = np.arange(len(X)) < len(train["bound"])
    classifier = DeepPruneClassifier(n_kernels=16, n_prunings=4, random_state=0).fit(X, y)
    assert classifier.negatives_ == "renewed"
    for kind, least in (("shuffles", 0.83), ("genomic", 0.85)):
        scores = classifier.decision_function(test["bound"] + test[kind])
        assert roc_auc_score(np.arange(len(scores)) < len(test["bound"]), scores) > least


@pytest.mark.slow
def test_one_command_on_peaks_of_yeast(shared_data, tmp_path, capsys):
    yeast = shared_data / "genome" / "yeast"
    genome, out = yeast / "S_cerevisiae.R64-1-1.fa.gz", tmp_path / "out"
    options = ["--ratio", "3", "--margin", "200", "--test-chromosomes", "IV,XIII,XVI", "--targets", "none", "--json"]
    arguments = ["fit", yeast / "peaks" / "Rap1.bed", "--genome", genome, "--out", out, "--quiet", *options]
    assert main([str(argument) for argument in arguments]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert min(summary["auc_by_kind"].values()) > 0.95 and list(summary["auc_by_kind"]) == ["matched", "shuffles"]
    tested = region_table(out / "test.bed")
    assert set(tested["chrom"]) == {"IV", "XIII", "XVI"}
    n = sum(region.chrom in {"IV", "XIII", "XVI"} for region in read_regions(yeast / "peaks" / "Rap1.bed"))
    assert n - 3 <= (tested["name"] == "bound").sum() <= n
