"""From peaks and a genome to disjoint sets: `fit` and `negatives`."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune import load_model
from skdeepprune._inputs import InputParts
from skdeepprune.cli import main
from skdeepprune.cli._sets import choose_chromosomes
from skdeepprune.genome import describe_match, region_sequences, region_table
from skdeepprune.report._leakage import find_leakage
from skdeepprune.sequences import read_sequences, reverse_complement
from skdeepprune.sequences._places import NOWHERE, Place

SMALL = ["--kernels", "2", "--prunings", "1", "--kernel-length", "8", "--max-iter", "3", "--targets", "none", "--quiet"]
MOTIF = "TGACGTCA"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A genome of five chromosomes, and peaks on the motif that is planted in it."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    lines, genome = [], {}
    for name in ("chr1", "chr2", "chr3", "chr4", "chrX"):
        letters = rng.choice(list("ACGT"), 60_000, p=[0.3, 0.2, 0.2, 0.3])
        lower = np.repeat(rng.random(600) < 0.3, 100)
        letters = np.where(lower, np.char.lower(letters), letters)
        for i, start in enumerate(range(500, 59_000, 1400)):
            letters[start : start + 8] = list(MOTIF)
            lines.append(f"{name}\t{start - 60}\t{start + 80}\tpeak_{name}_{i}\t0\t{'+-'[i % 2]}")
        genome[name] = "".join(letters)
    (folder / "genome.fa").write_text("".join(f">{name}\n{text}\n" for name, text in genome.items()))
    (folder / "peaks.bed").write_text("\n".join(lines) + "\n")
    (folder / "black.bed").write_text("chr1\t0\t15000\n")
    return folder


def run(*arguments):
    return main([str(argument) for argument in arguments])


def fit(folder, out, *options):
    return run("fit", folder / "peaks.bed", "--genome", folder / "genome.fa", "--out", out, *SMALL, *options)


@pytest.fixture(scope="module")
def fitted(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "out"
    options = ["--validation-chromosomes", "chr2", "--exclude", folder / "black.bed", "--margin", "20", "--ratio", "2"]
    assert fit(folder, out, *options) == 0
    return out


def test_peaks_of_a_genome_are_trained_and_tested_on_different_chromosomes(folder, fitted):
    sets = {part: region_table(fitted / f"{part}.bed") for part in ("training", "validation", "test")}
    chromosomes = [set(table["chrom"]) for table in sets.values()]
    assert chromosomes[1] == {"chr2"} and len(chromosomes[2]) == 1
    assert len(set.union(*chromosomes)) == sum(map(len, chromosomes)) == 5
    whole = pd.concat(sets.values())
    bound, matched = (whole[whole["name"] == kind] for kind in ("bound", "matched"))
    assert len(matched) == 2 * len(bound)
    peaks = region_table(folder / "peaks.bed")
    for row in matched.itertuples():
        same = peaks[peaks["chrom"] == row.chrom]
        assert not ((same["start"] - 20 < row.end) & (row.start < same["end"] + 20)).any(), "the whole peak is avoided"
        assert row.chrom != "chr1" or row.start >= 15_020


def test_the_sets_are_written_as_they_were_trained_on(folder, fitted):
    for part in ("training", "validation", "test"):
        table, found = region_table(fitted / f"{part}.bed"), read_sequences(fitted / f"{part}.fa", labels_in_names=True)
        kinds = np.array([name.rsplit(" ", 1)[1] for name in found.names])
        assert found.labels.tolist() == (kinds == "bound").astype(int).tolist()
        assert np.sum(kinds == "shuffles") == np.sum(kinds == "matched") == 2 * np.sum(kinds == "bound")
        regions = [s for s, kind in zip(found.sequences, kinds, strict=True) if kind != "shuffles"]
        assert regions == region_sequences(table, folder / "genome.fa")


def test_the_report_says_how_negatives_were_made(fitted):
    text = (fitted / "report.html").read_text()
    for part in (
        "matched in GC content and repeats, and dinucleotide shuffles",
        "Kolmogorov-Smirnov statistic",
        "black.bed",
        "AUC against matched",
        "AUC against shuffles",
        "Precision at recall 0.5",
        "if 1 % are bound",
    ):
        assert part in text, part
    assert "overlap training sequences" not in text and "also training sequences" not in text


def linked(page, name):
    """A table that a report holds as a file."""
    link = page.read_text().partition(f'download="{name}" href="')[2].partition('"')[0]
    return pd.read_csv(io.BytesIO(base64.b64decode(link.rpartition(",")[2])))


def test_the_report_shows_how_well_the_regions_match(folder, fitted):
    found = [read_sequences(fitted / f"{part}.fa", labels_in_names=True) for part in ("training", "validation", "test")]
    kinds = {"bound": [], "matched": [], "shuffles": []}
    for part in found:
        for name, sequence in zip(part.names, part.sequences, strict=True):
            kinds[name.rsplit(" ", 1)[1]].append(sequence)
    match, page = describe_match(kinds["bound"], kinds["matched"]), fitted / "report.html"
    for name, table in (
        ("gc_match.csv", match.gc),
        ("repeats_match.csv", match.repeats),
        ("dinucleotides_match.csv", match.dinucleotides),
    ):
        pd.testing.assert_frame_equal(linked(page, name), table.round(5), check_dtype=False)
    text = page.read_text()
    assert f"All {len(kinds['matched']):,} sampled regions of the genome" in text
    assert f"<td>{match.gc_distance:.3f}</td>" in text and f"<td>{match.repeat_distance:.3f}</td>" in text
    assert "(2 of each kind per bound sequence)" in text


def test_a_model_of_both_kinds_of_negatives_is_read_again(folder, fitted, capsys):
    assert load_model(fitted / "model.safetensors").negatives_ == "renewed"
    assert run("predict", fitted / "model.safetensors", folder / "peaks.bed", "--genome", folder / "genome.fa") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(region_table(folder / "peaks.bed"))


@pytest.mark.parametrize("kind", [None, "random", "shuffles"])
def test_a_report_on_peaks_takes_regions_too(folder, fitted, tmp_path, capsys, kind):
    page = tmp_path / "report.html"
    arguments = ["report", fitted / "model.safetensors", folder / "peaks.bed", "--genome", folder / "genome.fa"]
    options = ["--ratio", "2", "--exclude", folder / "black.bed", "--targets", "none", "--json", "--quiet"]
    made = [] if kind is None else ["--make", kind]
    assert run(*arguments, "--out", page, *options, *made) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["negatives"] == (kind or "both")
    assert list(summary["auc_by_kind"]) == (["matched", "shuffles"] if kind is None else [kind])
    n, text = len(region_table(folder / "peaks.bed")), page.read_text()
    assert f"{n * (5 if kind is None else 3):,}<span" in text
    assert ("Match of the sampled regions" in text) == (kind != "shuffles")
    assert ("AUC against matched" in text) == (kind is None)


def test_a_genome_without_lower_case_has_no_repeats_to_compare(folder, fitted, tmp_path):
    (tmp_path / "upper.fa").write_text((folder / "genome.fa").read_text().upper().replace("CHR", "chr"))
    (tmp_path / "peaks.bed").write_text((folder / "peaks.bed").read_text())
    arguments = ["report", fitted / "model.safetensors", tmp_path / "peaks.bed", "--targets", "none", "--quiet"]
    assert run(*arguments, "--genome", tmp_path / "upper.fa", "--out", tmp_path / "report.html") == 0
    text = (tmp_path / "report.html").read_text()
    assert "No sequence has lower case" in text and "repeats_match.csv" not in text and "gc_match.csv" in text


def test_the_motif_is_found_against_matched_regions(folder, tmp_path, capsys):
    options = ["--max-iter", "60", "--json", "--make", "matched", "--test-chromosomes", "chr4,chrX"]
    assert fit(folder, tmp_path / "out", *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["tested_on"] == "chr4, chrX" and summary["negatives"] == "matched"
    assert list(summary["auc_by_kind"]) == ["matched"] and summary["auc_by_kind"]["matched"] > 0.9
    tested = region_table(tmp_path / "out" / "test.bed")
    assert set(tested["chrom"]) == {"chr4", "chrX"}


@pytest.mark.parametrize("kind", ["shuffles", "random"])
def test_other_negatives_are_an_option(folder, tmp_path, capsys, kind):
    assert fit(folder, tmp_path / "out", "--make", kind, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert list(summary["auc_by_kind"]) == [kind]
    n_bound = len(region_table(folder / "peaks.bed"))
    assert summary["n_train"] + summary["n_test"] == 2 * n_bound


@pytest.mark.parametrize("ratio", [0.5, 1.25, 2])
def test_the_ratio_holds_for_each_kind(folder, tmp_path, ratio):
    assert fit(folder, tmp_path / "out", "--ratio", ratio, "--test-share", "0") == 0
    names = read_sequences(tmp_path / "out" / "training.fa", labels_in_names=True).names
    kinds = [name.rsplit(" ", 1)[1] for name in names]
    n = kinds.count("bound")
    assert kinds.count("shuffles") == kinds.count("matched") == round(ratio * n)
    shuffled = pd.Series([name.split()[3] for name, kind in zip(names, kinds, strict=True) if kind == "shuffles"])
    assert shuffled.value_counts().max() == np.ceil(ratio), "each peak once before any of them again"


def test_test_peaks_get_regions_of_their_own(folder, tmp_path):
    lines = (folder / "peaks.bed").read_text().splitlines(keepends=True)
    (tmp_path / "train.bed").write_text("".join(lines[::2]))
    (tmp_path / "test.bed").write_text("".join(lines[1::2]))
    arguments = ["fit", tmp_path / "train.bed", "--genome", folder / "genome.fa", "--out", tmp_path / "out", *SMALL]
    assert run(*arguments, "--test", tmp_path / "test.bed") == 0
    train, test = (region_table(tmp_path / "out" / f"{part}.bed") for part in ("training", "test"))
    assert test["name"].value_counts().to_dict() == {"bound": len(lines) // 2, "matched": len(lines) // 2}
    n_shuffles = (tmp_path / "out" / "test.fa").read_text().count(" shuffles\n")
    assert n_shuffles == len(lines) // 2
    for row in test.itertuples():
        others = train[train["chrom"] == row.chrom]
        assert not ((others["start"] < row.end) & (row.start < others["end"])).any()


@pytest.mark.parametrize(
    "options", [["--recall", "0"], ["--prevalence", "1"], ["--prevalence", "0"], ["--recall", "x"]]
)
def test_a_use_that_cannot_be_is_refused_before_training(folder, tmp_path, capsys, options):
    assert fit(folder, tmp_path / "out", *options) == 2
    assert "expected a number" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_few_chromosomes_are_tested_at_random(folder, tmp_path, capsys):
    lines = [line for line in (folder / "peaks.bed").read_text().splitlines() if line.startswith(("chr1", "chr2"))]
    (tmp_path / "few.bed").write_text("\n".join(lines) + "\n")
    arguments = ["fit", tmp_path / "few.bed", "--genome", folder / "genome.fa", "--out", tmp_path / "out", *SMALL]
    assert run(*arguments, "--json", "--test-share", "0.25") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["tested_on"] == "25% of the sequences, at random"
    assert summary["n_test"] == pytest.approx(0.25 * 3 * len(lines), abs=3)


def test_headers_name_chromosomes_too(folder, tmp_path, capsys):
    peaks = region_table(folder / "peaks.bed").assign(name=None)
    sequences = region_sequences(peaks, folder / "genome.fa")
    headers = [f"{row.chrom}:{row.start}-{row.end}({row.strand})" for row in peaks.itertuples()]
    text = "".join(f">{header}\n{sequence}\n" for header, sequence in zip(headers, sequences, strict=True))
    (tmp_path / "peaks.fa").write_text(text)
    arguments = ["fit", tmp_path / "peaks.fa", "--out", tmp_path / "out", *SMALL, "--json"]
    assert run(*arguments, "--test-chromosomes", "chr3") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["tested_on"] == "chr3" and summary["n_test"] == 2 * (peaks["chrom"] == "chr3").sum()
    assert not (tmp_path / "out" / "test.bed").exists(), "no genome, no regions of ours"


def test_leakage_is_reported_with_counts(folder, tmp_path, capsys):
    rng = np.random.default_rng(1)
    lines = [(f"chr1:{i * 50}-{i * 50 + 60}", "".join(rng.choice(list("ACGT"), 60))) for i in range(60)]
    (tmp_path / "train.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in lines))
    beside = [(f"chr1:{i * 50 + 5}-{i * 50 + 65}", "".join(rng.choice(list("ACGT"), 60))) for i in range(4)]
    copies = [("x", reverse_complement(lines[i][1])) for i in range(7)]
    (tmp_path / "test.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in beside + copies))
    assert run("fit", tmp_path / "train.fa", "--test", tmp_path / "test.fa", "--out", tmp_path / "out", *SMALL) == 0
    captured = capsys.readouterr()
    text = (tmp_path / "out" / "report.html").read_text()
    for message in (
        "7 of 22 test sequences are also training sequences (on either strand)",
        "4 of 22 test sequences overlap training sequences in the genome",
    ):
        assert message in captured.err and message in text


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(1, 9)), max_size=15), st.data())
def test_overlaps_are_counted_as_pair_by_pair(spans, data):
    others = data.draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(1, 9)), max_size=15))
    rng = np.random.default_rng(0)
    places, test_places = (
        [Place(chrom, start, start + n, "+") for chrom, start, n in part] + [NOWHERE, Place("a")]
        for part in (spans, others)
    )
    ours, theirs = (
        InputParts([(np.arange(len(part)), rng.integers(0, 4, (len(part), 30)).astype(np.uint8))])
        for part in (places, test_places)
    )
    expected = sum(
        any(p.chrom == q.chrom and p.start < q.end and q.start < p.end for p in places[:-2]) for q in test_places[:-2]
    )
    found = find_leakage(ours, places, theirs, test_places)
    assert (found.n_equal, found.n_overlapping, found.n_test) == (0, expected, len(test_places))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--test-chromosomes", "chr9"], "no sequence is on 'chr9'; they are on chr1, chr2, chr3, chr4, chrX."),
        (["--test-chromosomes", "chr1", "--validation-chromosomes", "chr1"], "chr1 cannot be both"),
        (["--test-chromosomes", "chr1,chr2,chr3,chr4,chrX"], "The training set has no sequences"),
        (["--test-chromosomes", "chr1", "--test", "other.fa"], "leave one of them out"),
        (["--negatives", "{folder}/peaks.bed", "--make", "both"], "unbound sequences are already given"),
    ],
)
def test_sets_that_cannot_be_are_refused(folder, tmp_path, capsys, options, message):
    assert fit(folder, tmp_path / "out", *(option.format(folder=folder) for option in options)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_sequences_without_a_place_cannot_be_split_by_chromosome(tmp_path, capsys):
    (tmp_path / "a.fa").write_text("".join(f">p{i}\nACGTTGCA\n" for i in range(9)))
    assert run("fit", tmp_path / "a.fa", "--out", tmp_path / "out", "--test-chromosomes", "chr1", *SMALL) == 2
    assert "the chromosome of 18 of 18 sequences, such as 'p0', is unknown" in capsys.readouterr().err
    assert run("fit", tmp_path / "a.fa", "--out", tmp_path / "out", "--make", "both", *SMALL) == 2
    assert "--make both samples regions of a genome; expected peaks" in capsys.readouterr().err


def test_negatives_are_written_as_bed_and_fasta(folder, tmp_path, capsys):
    common = ["negatives", folder / "peaks.bed", "--genome", folder / "genome.fa", "--ratio", "3", "--quiet"]
    assert run(*common, "--out", tmp_path / "n.bed") == 0
    assert run(*common, "--format", "fasta") == 0
    (tmp_path / "n.fa").write_text(capsys.readouterr().out)
    table, found = region_table(tmp_path / "n.bed"), read_sequences(tmp_path / "n.fa")
    assert region_sequences(table, folder / "genome.fa") == found.sequences
    assert (found.chrom, found.start) == (table["chrom"].tolist(), table["start"].tolist())
    assert ((table["end"] - table["start"]) == 101).all() and set(table["strand"]) == {"+", "-"}
    assert run(*common, "--out", tmp_path / "n.bed") == 1
    assert "pass --force" in capsys.readouterr().err
    assert run(*common, "--out", tmp_path / "n.json.bed", "--json", "--match", "nothing") == 0
    match = json.loads(capsys.readouterr().out)
    assert match["n_unbound"] >= len(table) and abs(match["gc_means"][0] - match["gc_means"][1]) > 0.001


def test_excluded_regions_are_not_overwritten(folder, tmp_path, capsys):
    excluded = tmp_path / "test.bed"
    excluded.write_text("chr1\t0\t100\n")
    common = ["--genome", folder / "genome.fa", "--exclude", excluded, "--force"]
    assert run("negatives", folder / "peaks.bed", "--out", excluded, *common) == 2
    assert "is also an input" in capsys.readouterr().err
    assert fit(folder, tmp_path, "--exclude", excluded, "--force") == 2
    assert "is also an input" in capsys.readouterr().err
    assert excluded.read_text() == "chr1\t0\t100\n"


def test_regions_and_a_summary_do_not_share_the_standard_output(folder, capsys):
    assert run("negatives", folder / "peaks.bed", "--genome", folder / "genome.fa", "--json") == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "name a file for the regions with --out" in captured.err


def test_shuffles_are_written_without_a_place(folder, tmp_path, capsys):
    common = ["negatives", folder / "peaks.bed", "--genome", folder / "genome.fa", "--match", "dinucleotide", "--quiet"]
    assert run(*common) == 2
    assert "add --format fasta" in capsys.readouterr().err
    assert run(*common, "--format", "fasta", "--out", tmp_path / "s.fa") == 0
    found = read_sequences(tmp_path / "s.fa")
    assert found.chrom is None and all(name.startswith("shuffle of peak_") for name in found.names)
    assert len(found) == len(region_table(folder / "peaks.bed"))


def test_a_tolerance_that_leaves_too_few_is_reported(folder, tmp_path, capsys):
    arguments = ["negatives", folder / "peaks.bed", "--genome", folder / "genome.fa", "--out", tmp_path / "n.bed"]
    assert run(*arguments, "--ratio", "30", "--tolerance", "0", "--quiet") == 0
    assert "Raise tolerance" in capsys.readouterr().err


@given(st.lists(st.sampled_from([f"chr{i}" for i in range(9)]), min_size=2, max_size=300), st.floats(0.02, 0.9))
def test_chosen_chromosomes_hold_about_the_share(groups, share):
    if len(set(groups)) < 2:
        return
    chosen = choose_chromosomes(groups, share, np.random.default_rng(0))
    assert 1 <= len(chosen) < len(set(groups)) and len(set(chosen)) == len(chosen)
    held_out = sum(group in chosen for group in groups)
    assert abs(held_out - share * len(groups)) <= pd.Series(groups).value_counts().max()
