import gzip
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from strategies import GENOME, HEADER, classifier_of, network_of, networks, snvs, write_vcf

from skdeepprune import Network
from skdeepprune.effects import _variants as variants_module
from skdeepprune.effects import score_variants
from skdeepprune.effects._vcf import opened_variants
from skdeepprune.sequences import FileFormatError, Genome

CLASSIFIER = classifier_of(network_of(0, True, True, 3))
STATUS = ["chrom", "pos", "id", "ref", "alt", "status"]


def written_out(sequence, pos, ref, alt, window):
    """The sequences of both alleles, each in the middle of a window, or None where one leaves the chromosome."""
    start = pos - 1
    assert sequence[start : start + len(ref)].upper() == ref.upper()
    while ref and alt and ref[-1].upper() == alt[-1].upper():
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0].upper() == alt[0].upper():
        ref, alt, start = ref[1:], alt[1:], start + 1
    pair = []
    for allele in (ref, alt):
        left = (window - len(allele)) // 2
        right = window - len(allele) - left
        if len(allele) > window or start - left < 0 or start + len(ref) + right > len(sequence):
            return None
        pair.append(sequence[start - left : start] + allele + sequence[start + len(ref) :][:right])
    return pair


def score(variants, genome=GENOME, classifier=CLASSIFIER, window=21, **options):
    table = pd.DataFrame(variants, columns=["chrom", "pos", "ref", "alt"])
    return score_variants(classifier, table, genome, window=window, **options)


alleles = st.text("ACGTNacgt", min_size=1, max_size=12)
variants = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 8), alleles), min_size=50, max_size=50)


@settings(max_examples=200)
@given(networks, st.integers(0, 10**6), st.integers(1, 40), variants)
def test_delta_is_the_difference_of_decision_functions(network, seed, window, variants):
    sequence = "".join(np.random.default_rng(seed).choice(list("ACGTacgtN"), 200))
    rows = [("c", pos, sequence[pos - 1 : pos - 1 + n], alt) for pos, n, alt in variants]
    classifier = classifier_of(network)
    table = score(rows, {"c": sequence}, classifier, window)
    pairs = [written_out(sequence, pos, ref, alt, window) for _, pos, ref, alt in rows]
    assert (table["status"] == "ok").tolist() == [pair is not None for pair in pairs]
    for (_, row), pair in zip(table.iterrows(), pairs, strict=True):
        if pair is None:
            assert np.isnan(row["delta"])
            continue
        ref, alt = classifier.decision_function(pair)
        assert (row["log_odds_ref"], row["log_odds_alt"], row["delta"]) == (ref, alt, alt - ref)
        by_kernel = np.diff(classifier.transform(pair), axis=0)[0] * network.dense_weights.astype(float)
        parts = [row[f"delta_kernel_{k}"] for k in range(network.n_kernels)]
        np.testing.assert_allclose(parts, by_kernel, atol=1e-6)
        assert sum(parts) + row["delta_composition"] == pytest.approx(row["delta"], abs=1e-9)
        np.testing.assert_allclose(
            [row["probability_ref"], row["probability_alt"]], classifier.predict_proba(pair)[:, 1], rtol=1e-12
        )


def test_padding_changes_nothing():
    sequence = GENOME["chr1"]
    base, other = sequence[99], "ACGT"["ACGT".index(sequence[99]) - 1]
    plain = score([("chr1", 100, base, other)])
    padded = score([("chr1", 95, sequence[94:105], sequence[94:99] + other + sequence[100:105])])
    assert plain["delta"].tolist() == padded["delta"].tolist()


def gattaca():
    """A network with one kernel, which reads GATTACA."""
    kernels = np.full((1, 7, 4), -1, np.float32)
    kernels[0, range(7), ["ACGT".index(base) for base in "GATTACA"]] = 1
    return Network(kernels, np.zeros(1, np.float32), np.ones(1, np.float32), 0.0, True)


def test_kernel_change_and_distance():
    genome = {"c": "C" * 60 + "GATTACA" + "C" * 60}
    rows = [
        ("c", 63, "T", "C"),  # in the site
        ("c", 21, "C", "CGATTACA"),  # a second site, inserted
        ("c", 60, "C", "A"),  # the base before it: nothing changes
        ("c", 21, "CC", "AA"),  # nowhere near
        ("c", 100, "C", "CTGTAATC"),  # on the other strand
        ("c", 61, "GATTACA", "G"),  # most of the site
    ]
    table = score(rows, genome, classifier_of(gattaca()), 31)
    assert table["kernel"].tolist() == [0, 0, pd.NA, pd.NA, 0, 0] or table["kernel"].isna().tolist()[2:4] == [
        True,
        True,
    ]
    assert table["change"].tolist()[0] == "lost" and table["change"].tolist()[1] == "gained"
    assert table["change"].tolist()[2:] == ["", "", "gained", "lost"]
    assert table["site_distance"].tolist()[0] == 0
    assert table["site_distance"].fillna(99).tolist() == [0, 0, 99, 99, 0, 0]


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (("chr1", 100, "?", "A"), "not DNA"),
        (("chr1", 100, "", "A"), "not DNA"),
        (("chr1", 100, "{ref}", "*"), "spanning deletion"),
        (("chr1", 100, "{ref}", "."), "no ALT"),
        (("chr1", 100, "{ref}", None), "no ALT"),
        (("chr1", 100, "{ref}", "<DEL>"), "symbolic ALT"),
        (("chr1", 100, "{ref}", "<*>"), "symbolic ALT"),
        (("chr1", 100, "{ref}", "G]17:198982]"), "symbolic ALT"),
        (("chr1", 100, "{ref}", ".A"), "symbolic ALT"),
        (("chr1", 100, "{ref}", "AX"), "not DNA"),
        (("chr1", 100, "{wrong}", "{ref}"), "REF mismatch"),
        (("chr1", 2, "{second}", "{other}"), "beyond chromosome"),
        (("chr1", 0, "N", "A"), "beyond chromosome"),
        (("chr1", 1000, "A", "C"), "beyond chromosome"),
        (("chr1", 199, "{last}AAAA", "A"), "beyond chromosome"),
        (("chr1", 100, "{ref}", "{ref}" + "ACCA" * 6), "longer than window"),
        (("chr3", 100, "A", "C"), "chromosome not in genome"),
        (("chr1", 100, "{ref}", "N"), "ok"),
        (("chr1", 100, "{ref}", "{ref}"), "ok"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*REF alleles differ", "ignore:.*alleles are on chromosomes")
def test_odd_records_stay_with_a_status(row, status):
    sequence = GENOME["chr1"]
    turned = {base: "ACGT"["ACGT".index(base) - 1] for base in "ACGT"}
    names = {"ref": sequence[99], "wrong": turned[sequence[99]], "second": sequence[1], "last": sequence[198]}
    names["other"] = turned[sequence[1]]
    row = tuple(value.format(**names) if isinstance(value, str) else value for value in row)
    fine = ("chr1", 100, sequence[99], turned[sequence[99]])
    table = score([fine, row, fine])
    assert table["status"].tolist() == ["ok", status, "ok"]
    assert table["delta"].isna().tolist() == [False, status != "ok", False]
    assert table.loc[1, "pos"] == row[1] and table.loc[1, "ref"] == row[2]
    assert table.loc[0, "delta"] == table.loc[2, "delta"] != 0


def test_several_alleles_are_split():
    sequence = GENOME["chr1"]
    ref = sequence[99:101]
    table = score([("chr1", 100, ref, f"{ref}A,*,{ref[0]},TTT")])
    assert table["alt"].tolist() == [f"{ref}A", "*", ref[0], "TTT"]
    assert table["status"].tolist() == ["ok", "spanning deletion", "ok", "ok"]
    alone = pd.concat([score([("chr1", 100, ref, alt)]) for alt in (f"{ref}A", ref[0], "TTT")])
    assert table["delta"].dropna().tolist() == alone["delta"].tolist()


def test_iupac_letters_of_the_genome_as_vcf_reduces_them():
    genome = {"c": "ACGT" * 10 + "R" + "ACGT" * 10}
    with pytest.warns(UserWarning, match="REF alleles differ"):
        table = score([("c", 41, "A", "C"), ("c", 41, "G", "C"), ("c", 41, "R", "C")], genome)
    assert table["status"].tolist() == ["ok", "REF mismatch", "ok"]


def test_warnings_name_other_names_and_other_genomes():
    with pytest.warns(UserWarning, match="1 alleles are on chromosomes such as '1', not in .* and has 'chr1': rename"):
        score([("1", 100, "A", "C")])
    wrong = "ACGT"["ACGT".index(GENOME["chr1"][99]) - 1]
    with pytest.warns(UserWarning, match="1 of 1 REF alleles differ from the genome; expected that of the assembly"):
        score([("chr1", 100, wrong, "C")])


def test_the_window_is_that_of_the_training_sequences(rng):
    from skdeepprune import DeepPruneClassifier

    sequences = ["".join(rng.choice(list("ACGT"), 57)) for _ in range(100)]
    classifier = DeepPruneClassifier(2, n_prunings=0, max_iter=2, kernel_length=5, random_state=0)
    classifier.fit(sequences, np.repeat([0, 1], 50))
    own = score([("chr1", 100, GENOME["chr1"][99], "N")], classifier=classifier, window=None)
    expected = score([("chr1", 100, GENOME["chr1"][99], "N")], classifier=classifier, window=57)
    pd.testing.assert_frame_equal(own, expected)
    without = classifier_of(network_of(0, True, True, 0))
    with pytest.raises(ValueError, match="has no composition, .* pass window"):
        score([("chr1", 100, "A", "C")], classifier=without, window=None)


def test_refused_tables():
    with pytest.raises(ValueError, match="has no column 'ref', 'alt'; expected chrom, pos, ref and alt, got"):
        score_variants(CLASSIFIER, pd.DataFrame({"chrom": [], "pos": []}), GENOME, window=21)
    with pytest.raises(ValueError, match=r"Variant 0 has the pos '1.5'; expected a whole number"):
        score([("chr1", 1.5, "A", "C")])
    with pytest.raises(ValueError, match="window=0; expected at least 1"):
        score([], window=0)
    with pytest.raises(ValueError, match="background=-1"):
        score([], background=-1)
    assert len(score([])) == 0


def test_p_values_of_random_variants_are_uniform():
    table = score(snvs(500), background=2000, random_state=1)
    assert table["p"].between(1 / 2001, 1).all()
    # The background is of substitutions near the same places: deciles hold a tenth each, about.
    shares = np.histogram(table["p"], bins=5, range=(0, 1))[0] / len(table)
    assert shares.min() > 0.1 and shares.max() < 0.3
    again = score(snvs(500), background=2000, random_state=1)
    pd.testing.assert_frame_equal(table, again)
    order = table.assign(size=table["delta"].abs()).sort_values("size")["p"]
    assert order.is_monotonic_decreasing


def test_p_values_by_writing_out_the_background():
    """All deltas of all substitutions in the windows are known: p is the share that is as large."""
    rows = [("chr1", 100, GENOME["chr1"][99], base) for base in "ACGT" if base != GENOME["chr1"][99]]
    table = score(rows, background=20_000, random_state=0)
    near = [("chr1", p, GENOME["chr1"][p - 1], base) for p in range(90, 111) for base in "ACGT"]
    near = [row for row in near if row[2] != row[3]]
    sizes = score(near)["delta"].abs().to_numpy()
    for delta, p in zip(table["delta"], table["p"], strict=True):
        assert p == pytest.approx((sizes >= abs(delta) - 1e-9).mean(), abs=0.02)


def test_p_values_of_indels():
    sequence = GENOME["chr1"]
    rows = [("chr1", 100, sequence[99:102], sequence[99]), ("chr1", 100, sequence[99], sequence[99] + "ACGT")]
    table = score([*rows, *snvs(3)], background=500, random_state=0)
    assert table["p"].between(0, 1).all()


def test_vcf_files(tmp_path):
    variants = snvs(5)
    rows = [(c, p, f"rs{i}", ref, alt, ".", ".", "DP=3") for i, (c, p, ref, alt) in enumerate(variants)]
    expected = score(variants).assign(id=[f"rs{i}" for i in range(5)])
    for name in ("a.vcf", "a.vcf.gz"):
        found = score_variants(CLASSIFIER, write_vcf(tmp_path / name, *rows), GENOME, window=21)
        pd.testing.assert_frame_equal(found, expected)
    blanks = tmp_path / "blanks.vcf"
    blanks.write_text((tmp_path / "a.vcf").read_text().replace("\t", "   "))
    pd.testing.assert_frame_equal(score_variants(CLASSIFIER, blanks, GENOME, window=21), expected)


def test_bcf_files(tmp_path):
    pysam = pytest.importorskip("pysam", reason="the extra variants is not installed")
    variants = snvs(5)
    header = HEADER.replace("#CHROM", "##contig=<ID=chr1,length=200>\n#CHROM")
    rows = [(c, p, f"rs{i}", ref, f"{alt},*", ".", ".", ".") for i, (c, p, ref, alt) in enumerate(variants)]
    path = write_vcf(tmp_path / "a.vcf", *rows, header=header)
    with (
        pysam.VariantFile(str(path)) as read,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=read.header) as out,
    ):
        for record in read:
            out.write(record)
    content = gzip.decompress((tmp_path / "a.bcf").read_bytes())
    (tmp_path / "plain.bcf").write_bytes(content)
    (tmp_path / "gzip.bcf").write_bytes(gzip.compress(content))
    by_vcf = score_variants(CLASSIFIER, path, GENOME, window=21)
    for name in ("a.bcf", "plain.bcf", "gzip.bcf"):
        by_bcf = score_variants(CLASSIFIER, tmp_path / name, GENOME, window=21, background=9, random_state=0)
        pd.testing.assert_frame_equal(by_vcf, by_bcf.drop(columns="p"))


def test_bcf_without_pysam(tmp_path):
    (tmp_path / "a.bcf").write_bytes(b"BCF\2\2")
    code = (
        "import sys; sys.modules['pysam'] = None\n"
        "from skdeepprune.effects._vcf import opened_variants\n"
        "with opened_variants(sys.argv[1]): pass"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "a.bcf"], capture_output=True, text=True, check=False)
    assert "BCF files need pysam; install it with `pip install skdeepprune[variants]`." in run.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header that ends with the line '#CHROM ...', got 'nothing'"),
        ("##fileformat=VCFv4.2\n", "expected a header that ends with the line '#CHROM ...'"),
        ("Chr\tPos\n", "line 1: expected a header that begins with '##fileformat=VCF'"),
        (HEADER + "chr1\tx\t.\tA\tC\t.\t.\t.\n", "line 3: expected CHROM, POS .a whole number."),
        (HEADER + "chr1\t5\t.\tA\n", "line 3: expected CHROM, POS"),
    ],
)
def test_files_that_are_not_vcf(tmp_path, text, message):
    path = tmp_path / "a.vcf"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        score_variants(CLASSIFIER, path, GENOME, window=21)


def test_damaged_bcf(tmp_path):
    pytest.importorskip("pysam", reason="the extra variants is not installed")
    (tmp_path / "a.bcf").write_bytes(b"BCF\2\2" + bytes(50))
    with pytest.raises(FileFormatError, match="a.bcf: the BCF data are damaged"):
        score_variants(CLASSIFIER, tmp_path / "a.bcf", GENOME, window=21)


FROM_ALLELES = {"symbolic ALT", "spanning deletion", "no ALT", "not DNA"}
# Neither is VCF.
REFUSED = {"not_a_vcf.vcf.gz", "empty.vcf"}


def test_every_real_file_is_read_to_its_end(shared_data):
    """With no genome of theirs, every record has a status all the same."""
    folder = shared_data / "genome"
    found = [*(folder / "vcf").iterdir(), *(folder / "vcf_odd").rglob("*")]
    paths = sorted(path for path in found if path.name.endswith((".vcf", ".vcf.gz")))
    assert len(paths) > 70
    for path in paths:
        if path.name in REFUSED:
            with pytest.raises(FileFormatError):
                score_variants(CLASSIFIER, path, GENOME, window=21)
            continue
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = [line for line in text.split(b"\n") if line.strip() and not line.startswith(b"#")]
        with opened_variants(path) as file:
            assert len(list(file)) == len(lines), path
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = score_variants(CLASSIFIER, path, {"nosuch": "ACGT"}, window=21)
        assert any("on chromosomes such as" in str(one.message) for one in caught) == (
            "chromosome not in genome" in set(table["status"])
        )
        assert len(table) == sum(line.split()[4].count(b",") + 1 for line in lines)
        assert set(table["status"]) <= {"chromosome not in genome", *FROM_ALLELES}


@pytest.mark.parametrize(
    ("genome", "vcf", "n_records"),
    [
        ("yeast/S_cerevisiae.R64-1-1.fa.gz", "yeast/saccharomyces_cerevisiae.e109.vcf.gz", 260_526),
        ("human1mb/z.fa.gz", "human1mb/z.vcf.gz", 28_998),
    ],
)
def test_ref_is_right_in_real_genomes(shared_data, genome, vcf, n_records):
    table = score_variants(CLASSIFIER, shared_data / "genome" / vcf, shared_data / "genome" / genome, window=101)
    with opened_variants(shared_data / "genome" / vcf) as file:
        assert sum(1 for _ in file) == n_records
    assert set(table["status"]) <= {"ok", "beyond chromosome", "symbolic ALT"}
    # Only windows at the ends of chromosomes are beyond.
    with Genome(shared_data / "genome" / genome) as opened:
        beyond = table[table["status"] == "beyond chromosome"]
        length = beyond["chrom"].map(opened.lengths)
        near_end = (beyond["pos"] < 60) | (beyond["pos"] + beyond["ref"].str.len() > length - 60)
        assert near_end.all()
    assert (table["status"] == "ok").mean() > 0.99
    assert table.loc[table["status"] == "ok", "delta"].notna().all()


def everywhere(n, seed=0):
    """Variants of several kinds, in no order, some twice and some that cannot be scored."""
    rng = np.random.default_rng(seed)
    sequence = GENOME["chr1"]
    alts = ["ACGT", "{}ACG", "{}T", ".", "{}{}"]
    rows = [("chr1", p + 1, sequence[p], alts[p % 5].format(sequence[p], "A")) for p in rng.integers(0, 200, n)]
    deletions = [("chr1", p + 1, sequence[p : p + 3], sequence[p]) for p in rng.integers(30, 170, n // 4)]
    return [*rows, *snvs(n // 2, seed), *deletions, ("chr9", 5, "A", "C")]


@pytest.fixture
def small_portions(monkeypatch):
    monkeypatch.setattr(variants_module, "_PORTION", 7)


@pytest.mark.filterwarnings("ignore:.*alleles are on chromosomes")
def test_p_values_depend_on_neither_portions_nor_order_nor_n_jobs(monkeypatch):
    rows = everywhere(60)
    options = {"background": 40, "random_state": 5}
    whole = score(rows, **options)
    assert whole["p"].nunique() > 20
    for portion in (1, 7, 64):
        monkeypatch.setattr(variants_module, "_PORTION", portion)
        pd.testing.assert_frame_equal(score(rows, **options), whole)
        pd.testing.assert_frame_equal(score(rows, n_jobs=2, **options), whole)
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = score([rows[i] for i in order], **options)
    pd.testing.assert_frame_equal(shuffled, whole.iloc[order].reset_index(drop=True))
    assert (score(rows, background=40, random_state=6)["p"] != whole["p"]).any()


def test_random_variants_are_drawn_around_all_places(small_portions):
    """A site is near one of 101 scored places, so a third of one in 101 random variants is in it."""
    genome = {"c": "C" * 500 + "GATTACA" + "C" * 1000}
    others = [("c", p, "C", "G") for p in (*range(100, 300, 4), *range(700, 900, 4))]
    first, last = ([("c", 504, "T", "C"), *others], [*others, ("c", 504, "T", "C")])
    options = {"genome": genome, "classifier": classifier_of(gattaca()), "background": 3000, "random_state": 0}
    tables = score(first, **options), score(last, **options)
    p = tables[0]["p"].iloc[0]
    assert p == tables[1]["p"].iloc[-1] and abs(p - 7 / 21 / 101) < 0.002
    assert tables[0]["p"].iloc[1:].tolist() == [1] * 100


@pytest.mark.filterwarnings("ignore:.*alleles are on chromosomes")
def test_processes_give_the_same_numbers(small_portions):
    rows = everywhere(60)
    one = score(rows, background=40, random_state=5)
    with parallel_config("loky", n_jobs=2):
        pd.testing.assert_frame_equal(score(rows, background=40, random_state=5), one)


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = write_vcf(tmp_path / "a.vcf", *[(c, p, ".", ref, alt, ".", ".", ".") for c, p, ref, alt in snvs(3)])
    draw = variants_module.Background.draw

    def draw_and_change(*arguments):
        draw(*arguments)
        write_vcf(path, ("chr1", 100, ".", GENOME["chr1"][99], GENOME["chr1"][99] + "A", ".", ".", "."))

    monkeypatch.setattr(variants_module.Background, "draw", draw_and_change)
    with pytest.raises(ValueError, match="Do not change the file while it is being read"):
        score_variants(CLASSIFIER, path, GENOME, window=21, background=5)
