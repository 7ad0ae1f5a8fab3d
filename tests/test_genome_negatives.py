import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.genome import describe_match, region_sequences, region_table, sample_negatives
from skdeepprune.sequences import FileFormatError, Genome, read_regions, reverse_complement

LETTERS = np.frombuffer(b"ACGTacgtN", np.uint8)


def random_chromosome(rng, length, *, n_share=0.02):
    """Bases in stretches of changing GC content and case, with N here and there."""
    gc = np.repeat(rng.uniform(0.2, 0.8, length // 50 + 1), 50)[:length]
    strong = rng.random(length) < gc
    bases = np.where(strong, rng.integers(1, 3, length), rng.integers(0, 2, length) * 3)
    lower = np.repeat(rng.random(length // 70 + 1) < 0.4, 70)[:length]
    letters = LETTERS[bases + 4 * lower]
    letters = np.where(rng.random(length) < n_share, LETTERS[8], letters)
    return letters.astype(np.uint8).tobytes().decode()


def random_peaks(rng, genome, n, lengths):
    names = list(genome)
    rows = []
    for i in range(n):
        chrom = names[rng.integers(len(names))]
        width = int(rng.choice(lengths))
        start = int(rng.integers(len(genome[chrom]) - width + 1))
        rows.append((chrom, start, start + width, f"peak_{i}", "+-"[rng.integers(2)]))
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "name", "strand"])


def overlapping(regions, others, margin=0):
    """Count the pairs of a region and another one that have a base in common."""
    same = regions["chrom"].to_numpy()[:, None] == others["chrom"].to_numpy()
    below = regions["start"].to_numpy()[:, None] < others["end"].to_numpy() + margin
    above = others["start"].to_numpy() - margin < regions["end"].to_numpy()[:, None]
    return int((same & below & above).sum())


def gc_share(sequence):
    known = [base for base in sequence.upper() if base in "ACGT"]
    return sum(base in "GC" for base in known) / len(known) if known else None


def lower_share(sequence):
    return sum(base.islower() for base in sequence) / len(sequence)


@pytest.mark.filterwarnings("ignore:Found .* negatives")
@given(
    st.integers(0, 2**32),
    st.integers(1, 12),
    st.sampled_from([0.3, 1, 2, 3.5]),
    st.sampled_from([(), "gc", "repeats", ("gc", "repeats")]),
    st.sampled_from([0.0, 0.02, 0.2]),
    st.integers(0, 40),
    st.booleans(),
)
def test_negatives_match_the_request(seed, n_peaks, ratio, match, tolerance, margin, same_chromosome):
    rng = np.random.default_rng(seed)
    genome = {f"chr{i}": random_chromosome(rng, int(rng.integers(150, 4000))) for i in range(1, 4)}
    peaks = random_peaks(rng, genome, n_peaks, [20, 63, 64, 65, 150])
    exclude = random_peaks(rng, genome, 5, [30, 80])
    settings = {
        "ratio": ratio,
        "match": match,
        "tolerance": tolerance,
        "margin": margin,
        "same_chromosome": same_chromosome,
        "exclude": exclude,
        "max_unknown": 0.05,
        "random_state": seed,
    }
    found = sample_negatives(peaks, genome, **settings)
    assert len(found) <= max(1, round(ratio * n_peaks))
    assert found["peak"].value_counts().max() <= np.ceil(ratio) if len(found) else True
    lengths = found["chrom"].map({name: len(sequence) for name, sequence in genome.items()})
    assert (found["start"] >= 0).all() and (found["end"] <= lengths).all()
    assert overlapping(found, peaks, margin) == overlapping(found, exclude, margin) == 0
    assert overlapping(found, found) == len(found), "none but with itself"
    matched = peaks.iloc[found["peak"]].reset_index(drop=True)
    assert ((found["end"] - found["start"]) == (matched["end"] - matched["start"])).all()
    assert (found["strand"] == matched["strand"]).all()
    if same_chromosome:
        assert (found["chrom"] == matched["chrom"]).all()
    for row, bound in zip(found.itertuples(), region_sequences(matched, genome), strict=True):
        forward = genome[row.chrom][row.start : row.end]
        assert row.sequence == (forward if row.strand == "+" else reverse_complement(forward))
        assert row.sequence.upper().count("N") <= 0.05 * len(forward)
        if "gc" in match:
            assert abs(gc_share(row.sequence) - gc_share(bound)) <= tolerance + 1e-9
        if "repeats" in match:
            assert abs(lower_share(row.sequence) - lower_share(bound)) <= tolerance + 1e-9
    pd.testing.assert_frame_equal(found, sample_negatives(peaks, genome, **settings))


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_too_few_are_all_there_are(seed, n_free):
    """Of equal windows that cannot overlap but by being the same, every one is found."""
    rng = np.random.default_rng(seed)
    island, sea = "GC" * 10, "AT" * 20
    genome = {"chr1": sea + (island + sea) * (1 + n_free)}
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [40], "end": [60]})
    with pytest.warns(UserWarning, match=rf"Found {n_free} of 10 negatives: for {10 - n_free} there is no region"):
        found = sample_negatives(peaks, genome, 10, tolerance=0, random_state=rng)
    assert sorted(found["start"]) == [100 + 60 * i for i in range(n_free)]


def test_a_rare_window_of_a_large_chromosome_is_found(rng):
    text = "".join(rng.choice(list("AT"), 200_000))
    genome = {"chr1": "G" * 50 + text + "C" * 50 + text}
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [50]})
    found = sample_negatives(peaks, genome, tolerance=0, random_state=0)
    assert found["start"].tolist() == [200_050]


def test_negatives_are_spread_evenly(rng):
    genome = {"chr1": "".join(rng.choice(list("ACGT"), 40_000)), "chr2": "".join(rng.choice(list("ACGT"), 80_000))}
    peaks = pd.DataFrame({"chrom": "chr1", "start": [1000, 30_000], "end": [1050, 30_050]})
    found = sample_negatives(peaks, genome, 300, same_chromosome=False, tolerance=0.1, random_state=0)
    assert (found["chrom"] == "chr2").mean() == pytest.approx(2 / 3, abs=0.08)
    on_2 = found.loc[found["chrom"] == "chr2", "start"] / 80_000
    np.testing.assert_allclose(np.histogram(on_2, 4, (0, 1))[0] / len(on_2), 0.25, atol=0.08)
    assert set(found["peak"]) == {0, 1} and found["peak"].is_monotonic_increasing


def test_shuffles_keep_the_place_and_the_dinucleotides(rng):
    genome = {"chr1": "".join(rng.choice(list("ACGT"), 2000))}
    peaks = random_peaks(rng, genome, 5, [60])
    found = sample_negatives(peaks, genome, 2, match="dinucleotide", random_state=0)
    bound = region_sequences(peaks, genome)
    assert found["peak"].tolist() == sorted([*range(5)] * 2)
    for row in found.itertuples():
        one, other = ([s[i : i + 2] for i in range(59)] for s in (row.sequence, bound[row.peak]))
        assert row.sequence != bound[row.peak] and sorted(one) == sorted(other)
        assert (row.chrom, row.start) == tuple(peaks.loc[row.peak, ["chrom", "start"]])


def test_a_peak_without_a_known_base_has_no_match(rng):
    genome = {"chr1": "N" * 100 + "".join(rng.choice(list("ACGT"), 900))}
    peaks = pd.DataFrame({"chrom": "chr1", "start": [0, 500], "end": [50, 550]})
    with pytest.warns(UserWarning, match="Found 1 of 2"):
        assert sample_negatives(peaks, genome, tolerance=0.1, random_state=0)["peak"].tolist() == [1]
    assert len(sample_negatives(peaks, genome, match=(), random_state=0)) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratio": 0}, "ratio=0"),
        ({"match": "at"}, "expected 'dinucleotide', or some of"),
        ({"tolerance": 2}, "tolerance=2"),
        ({"max_unknown": -1}, "max_unknown=-1"),
        ({"margin": -1}, "margin=-1"),
        ({"exclude": pd.DataFrame({"chrom": ["1"], "start": [0], "end": [9]})}, "1 of 1 excluded regions.*'1'.*'chr1'"),
        ({"peaks": pd.DataFrame({"chrom": ["chr9"], "start": [0], "end": [9]})}, "1 of 1 peaks.*'chr9'"),
        ({"peaks": pd.DataFrame({"chrom": ["1"], "start": [0], "end": [9]})}, "has 'chr1': rename"),
        ({"peaks": pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [901]})}, "reach beyond.*chr1 has 900 bp"),
        ({"peaks": pd.DataFrame({"chrom": ["chr1"], "start": [9], "end": [9]})}, "Region 0 is chr1:9-9"),
        ({"peaks": pd.DataFrame({"chrom": ["chr1"], "start": [0.5], "end": [9]})}, "the start .*0.5.*whole number"),
        ({"peaks": pd.DataFrame({"chr": ["chr1"], "start": [0]})}, "no column 'chrom', 'end'"),
        ({"peaks": []}, "no peaks"),
        ({"genome": {}}, "holds no chromosomes"),
        ({"genome": {"chr1": "ACGT-" * 200}}, "expected letters, got '-'"),
    ],
)
def test_impossible_requests_are_refused(rng, settings, message):
    given = {
        "peaks": pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [9]}),
        "genome": {"chr1": "".join(rng.choice(list("ACGT"), 900))},
    }
    with pytest.raises(ValueError, match=message):
        sample_negatives(**(given | settings))


def test_excluded_regions_come_as_one_or_as_several(rng, tmp_path):
    genome = {"chr1": "".join(rng.choice(list("ACGT"), 300))}
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    (tmp_path / "black.bed").write_text("chr1\t100\t180\nchrUn\t0\t10\n")
    table = pd.DataFrame({"chrom": ["chr1"], "start": [280], "end": [300]})
    regions = read_regions(tmp_path / "black.bed")
    forms = [[tmp_path / "black.bed", table], [str(tmp_path / "black.bed"), table], [regions, table]]
    for exclude in forms:
        found = sample_negatives(peaks, genome, match=(), exclude=exclude, random_state=0)
        assert found["start"].tolist() == [180]
    for exclude in (tmp_path / "black.bed", regions):
        assert sample_negatives(peaks, genome, match=(), exclude=exclude, random_state=0)["start"].item() >= 180


def test_regions_come_in_many_ways(tmp_path):
    (tmp_path / "a.bed").write_text("chr1\t5\t9\tone\t0\t-\nchr2\t1\t3\n")
    expected = pd.DataFrame(
        [("chr1", 5, 9, "one", "-"), ("chr2", 1, 3, "chr2:1-3", "+")],
        columns=["chrom", "start", "end", "name", "strand"],
    )
    for form in (tmp_path / "a.bed", str(tmp_path / "a.bed"), read_regions(tmp_path / "a.bed"), expected):
        pd.testing.assert_frame_equal(region_table(form), expected)
    odd = expected.assign(strand=".", more=1).drop(columns="name").set_index(pd.Index([7, 7]))
    assert region_table(odd)["strand"].tolist() == ["+", "+"]
    assert region_table(odd)["name"].tolist() == ["chr1:5-9", "chr2:1-3"]


def test_sequences_are_those_of_pyfaidx(rng, tmp_path):
    pyfaidx = pytest.importorskip("pyfaidx")
    genome = {f"chr{i}": random_chromosome(rng, 700) for i in range(3)}
    path = tmp_path / "genome.fa"
    lines = [f">{name} x\n" + "\n".join(s[i : i + 60] for i in range(0, 700, 60)) for name, s in genome.items()]
    path.write_text("\n".join(lines) + "\n")
    (tmp_path / "genome.fa.gz").write_bytes(gzip.compress(path.read_bytes()))
    peaks = random_peaks(rng, genome, 8, [30])
    found = sample_negatives(peaks, path, match=(), random_state=0)
    with pyfaidx.Fasta(str(path)) as other:
        for row in found.itertuples():
            sequence = other[row.chrom][row.start : row.end]
            assert row.sequence == (sequence.seq if row.strand == "+" else sequence.reverse.complement.seq)
    for form in (genome, tmp_path / "genome.fa.gz", pd.Series(genome)):
        pd.testing.assert_frame_equal(sample_negatives(peaks, form, match=(), random_state=0), found)


def test_the_match_is_described():
    bound, unbound = ["ACGTN", "ggCC", "NNNN"], ["AAAA", "AAAA", "ccGG", "CCGG"]
    match = describe_match(bound, unbound)
    assert match.gc_means == (0.75, 0.5)
    assert match.gc_distance == pytest.approx(0.5)
    assert match.repeat_means == (pytest.approx(0.5 / 3), 0.125)
    pairs = match.dinucleotides.set_index("dinucleotide")
    assert pairs.loc["AC", "bound"] == pytest.approx(1 / 6) and pairs.loc["AA", "unbound"] == pytest.approx(0.5)
    for table in (match.gc, match.repeats, match.dinucleotides):
        np.testing.assert_allclose(table[["bound", "unbound"]].sum(), 1)
    assert "3 bound and 4 unbound" in str(match) and "0.750 and 0.500" in str(match)
    with pytest.raises(ValueError, match="0 unbound"):
        describe_match(bound, [])


def test_a_genome_gives_codes_and_its_mask():
    genome = Genome({"chr1": "ACGTacgtNR", "chr2": "ACE"})
    assert genome.lengths == {"chr1": 10, "chr2": 3}
    assert genome.codes("chr1", 1, 10).tolist() == [1, 2, 3, 0, 1, 2, 3, 4, 4]
    assert genome.soft_masked("chr1").tolist() == [False] * 4 + [True] * 4 + [False] * 2
    assert genome.letters("chr1", 3, 5).tobytes() == b"Ta"
    with pytest.raises(FileFormatError, match="chr2:2: expected A, C, G, T, N or another IUPAC letter, got 'E'"):
        genome.codes("chr2")
    with pytest.raises(ValueError, match=r"'2' is not in the genome, which begins with 'chr1', 'chr2' and has 'chr2'"):
        genome.codes("2")
    with pytest.raises(ValueError, match="the two name chromosomes differently"):
        genome.sequence("II")
    with pytest.raises(TypeError, match="names without blanks"):
        Genome({"chr 1": "ACGT"})


@pytest.fixture(scope="module")
def yeast(shared_data):
    folder = shared_data / "genome" / "yeast"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.mark.filterwarnings("ignore:Found .* negatives")
def test_on_a_real_genome_the_gc_content_is_that_of_the_peaks(yeast):
    genome = Genome(yeast / "S_cerevisiae.R64-1-1.fa.gz")
    for path in sorted((yeast / "peaks").glob("*.bed")):
        if path.stem.endswith("arabic_names"):
            continue
        peaks = region_table(region.resized(101) for region in read_regions(path))
        found = sample_negatives(peaks, genome, 3, margin=300, random_state=0)
        assert 0.995 <= len(found) / (3 * len(peaks)) <= 1
        match = describe_match(region_sequences(peaks, genome), found["sequence"].tolist())
        assert match.gc_distance < 0.05
        assert abs(match.gc_means[0] - match.gc_means[1]) < 0.02


def test_chromosome_names_of_another_style_are_reported(yeast):
    genome = Genome(yeast / "S_cerevisiae.R64-1-1.fa.gz")
    peaks = yeast / "peaks"
    with pytest.raises(ValueError, match=r"1078 of 1078 peaks .*'chr\d+'.*begins with 'I', 'II', 'III': the two name"):
        sample_negatives(peaks / "Reb1_arabic_names.bed", genome)
    with pytest.raises(ValueError, match="419 of 419 excluded regions .*'chr1'.*'I'.*rename those"):
        sample_negatives(peaks / "Reb1.bed", genome, exclude=yeast / "excluded_arabic_names.bed")
