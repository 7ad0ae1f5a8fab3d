"""Hits in a genome and in sequences, against loops in NumPy."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.stats import false_discovery_control
from strategies import classifier_of, random_network, random_sequence

from skdeepprune._network import reverse_complement_kernels
from skdeepprune.effects import _portions as portions
from skdeepprune.effects import scan, scan_to_bed
from skdeepprune.effects._pvalues import UNIFORM, PValues
from skdeepprune.sequences import Genome, encode

KEYS = ["chrom", "start", "kernel", "strand"]


def windows_by_loop(network, sequence, background=UNIFORM):
    """Every window at least half of whose bases are known: start, kernel, strand, activation, p."""
    codes, width, tables = encode([sequence])[0], network.kernel_length, []
    starts = np.arange(len(codes) - width + 1)
    starts = np.array([p for p in starts if 2 * (codes[p : p + width] == 4).sum() <= width], np.int64)
    strands = {"+": network.kernels, "-": reverse_complement_kernels(network.kernels)}
    for k, bias in enumerate(network.kernel_bias.tolist()):
        p_values = PValues.of(network.kernels[k], background)
        for strand in "+-"[: 1 + network.reverse_complement]:
            cells = strands[strand][k].astype(float)
            cells = np.column_stack([cells, cells.mean(axis=1)])
            total = np.zeros(len(starts))
            for w in range(width):
                total += cells[w, codes[starts + w]]
            columns = {"start": starts, "kernel": f"kernel_{k}", "strand": strand}
            tables.append(pd.DataFrame(columns | {"activation": total + bias, "p": p_values(total)}))
    return pd.concat(tables, ignore_index=True)


def by_key(table):
    return table.sort_values(KEYS[1:], kind="stable", ignore_index=True)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_kernels=st.integers(1, 6),
    width=st.integers(1, 21),
    both_strands=st.booleans(),
    unknown=st.sampled_from([0.0, 0.0, 0.1, 0.5]),
    p_value=st.sampled_from([1e-3, 0.05, 0.3, 1.0]),
    length=st.integers(1, 150),
)
def test_the_same_hits_as_a_loop(seed, n_kernels, width, both_strands, unknown, p_value, length):
    rng = np.random.default_rng(seed)
    network = random_network(rng, n_kernels=n_kernels, width=width, both_strands=both_strands)
    sequence = random_sequence(rng, length, unknown)
    found = scan(classifier_of(network), [sequence], p_value=p_value, background="uniform")
    windows = windows_by_loop(network, sequence)
    expected = windows[windows["p"] <= p_value]
    assert np.array_equal(found["start"], np.sort(expected["start"]))
    found, expected = by_key(found), by_key(expected)
    assert found[KEYS[1:]].astype(object).equals(expected[KEYS[1:]].astype(object))
    assert found["activation"].tolist() == expected["activation"].tolist()
    assert found["p"].tolist() == expected["p"].tolist()
    assert (found["end"] - found["start"] == width).all()
    for name, own in found.groupby("kernel"):
        p = windows.loc[windows["kernel"] == name, "p"]
        padded = np.where(p <= p_value, p, 1.0)
        assert sorted(own["q"]) == pytest.approx(sorted(false_discovery_control(padded)[p <= p_value]), rel=1e-12)


def test_wide_kernels_and_many_portions(rng, monkeypatch):
    monkeypatch.setattr(portions, "PORTION", 70)
    network = random_network(rng, n_kernels=9, width=41)
    genome = {"chr2": random_sequence(rng, 400, 0.2), "chr1": random_sequence(rng, 60), "chr0": "ACGT"}
    found = scan(classifier_of(network), genome, p_value=0.05, background="uniform")
    assert found["chrom"].unique().tolist() == ["chr2", "chr1"]
    for chrom, own in found.groupby("chrom"):
        windows = windows_by_loop(network, genome[chrom])
        expected = by_key(windows[windows["p"] <= 0.05])
        assert (
            by_key(own)[["start", "kernel", "strand"]]
            .astype(object)
            .equals(expected[["start", "kernel", "strand"]].astype(object))
        )
    order = found[["start"]].assign(chrom=found["chrom"].map({"chr2": 0, "chr1": 1}))
    assert order.sort_values(["chrom", "start"], kind="stable").index.equals(order.index)


def test_hits_are_the_words_that_kernels_read(rng):
    network = random_network(rng, width=12)
    best = ["".join("ACGT"[i] for i in kernel.argmax(axis=1)) for kernel in network.kernels]
    letters = list(random_sequence(rng, 5000).upper())
    letters[1000:1012] = best[1]
    letters[3000:3012] = best[2][::-1].translate(str.maketrans("ACGT", "TGCA"))
    found = scan(classifier_of(network), {"c": "".join(letters)}, p_value=1e-6)
    assert found[KEYS].to_numpy().tolist() == [["c", 1000, "kernel_1", "+"], ["c", 3000, "kernel_2", "-"]]
    bound = network.kernels.max(axis=2).sum(axis=1) + network.kernel_bias
    assert found["activation"].tolist() == pytest.approx(bound[1:].tolist())


def test_the_background_is_that_of_both_strands_of_the_whole_genome(rng):
    network = random_network(rng)
    sequence = "A" * 500 + "".join(rng.choice(list("ACGT"), 500, p=[0.5, 0.3, 0.1, 0.1])) + "NNRY"
    letters = np.array([sequence.count(letter) + 1 for letter in "ACGT"])
    shares = (letters + letters[::-1]) / letters.sum() / 2
    found = scan(classifier_of(network), {"c": sequence}, [], p_value=0.01)
    assert len(found) == 0
    region = pd.DataFrame({"chrom": ["c"], "start": [300], "end": [900]})
    classifier = classifier_of(network)
    found = scan(classifier, {"c": sequence}, region, p_value=0.01)
    assert len(found) > 5
    assert found.equals(scan(classifier, {"c": sequence}, region, p_value=0.01, background=shares))
    windows = windows_by_loop(network, sequence[300:900], shares)
    assert sorted(found["start"] - 300) == sorted(windows.loc[windows["p"] <= 0.01, "start"])


def test_of_one_strand_the_background_is_not_symmetric(rng):
    network = random_network(rng, both_strands=False)
    sequence, shares = random_sequence(rng, 500), (0.4, 0.3, 0.2, 0.1)
    found = scan(classifier_of(network), [sequence], p_value=0.01, background=dict(zip("ACGT", shares, strict=True)))
    windows = windows_by_loop(network, sequence, shares)
    assert len(found) > 0 and set(found["strand"]) == {"+"}
    assert sorted(found["start"]) == sorted(windows.loc[windows["p"] <= 0.01, "start"])


def test_regions_are_joined_and_hits_lie_within(rng):
    classifier = classifier_of(random_network(rng))
    genome = {"chr1": random_sequence(rng, 2000), "chr2": random_sequence(rng, 300)}
    rows = [("chr2", 5, 100), ("chr1", 300, 500), ("chr1", 100, 350), ("chr1", 500, 502), ("chr1", 700, 703)]
    regions = pd.DataFrame(rows, columns=["chrom", "start", "end"])
    everywhere = scan(classifier, genome, p_value=0.02, background="uniform")
    found = scan(classifier, genome, regions, p_value=0.02, background="uniform")
    on = {"chr1": (100, 502), "chr2": (5, 100)}
    limits = np.array([on[chrom] for chrom in everywhere["chrom"]])
    within = (limits[:, 0] <= everywhere["start"]) & (everywhere["end"] <= limits[:, 1])
    columns = [column for column in found if column != "q"]
    assert len(found) > 3 and found[columns].equals(everywhere.loc[within, columns].reset_index(drop=True))


def test_sequences_have_their_names(rng):
    from skdeepprune.sequences import SequenceRecord

    classifier = classifier_of(random_network(rng))
    sequences = [random_sequence(rng, 200) for _ in range(5)]
    plain = scan(classifier, np.array(sequences), p_value=0.01)
    assert set(plain["chrom"]) <= set("01234") and plain["chrom"].nunique() > 1
    records = [SequenceRecord(f"peak_{i}", sequence) for i, sequence in enumerate(sequences)]
    named = scan(classifier, records, p_value=0.01)
    assert named["chrom"].tolist() == [f"peak_{i}" for i in plain["chrom"]]


def test_bed_equals_the_table(rng, tmp_path):
    classifier = classifier_of(random_network(rng))
    genome = {"chr1": random_sequence(rng, 3000, 0.1), "chr2": random_sequence(rng, 300)}
    names = ["CTCF", "REST", "kernel_2"]
    table = scan(classifier, genome, p_value=0.01, names=names)
    summary = scan_to_bed(classifier, genome, tmp_path / "hits.bed", p_value=0.01, names=names)
    text = (tmp_path / "hits.bed").read_text()
    read = pd.read_csv(io.StringIO(text), sep="\t").rename(columns={"#chrom": "chrom", "name": "kernel"})
    for column in ("chrom", "start", "end", "kernel", "strand"):
        assert read[column].tolist() == table[column].tolist()
    for column in ("activation", "p", "q"):
        assert read[column].to_numpy() == pytest.approx(table[column].to_numpy(), rel=5e-3, abs=5e-5)
    assert read["score"].tolist() == np.rint(-10 * np.log10(table["p"])).astype(int).tolist()
    assert summary["hits"].tolist() == [int((table["kernel"] == name).sum()) for name in names]
    file = io.StringIO()
    scan_to_bed(classifier, genome, file, p_value=0.01, names=names)
    assert file.getvalue() == text
    scan_to_bed(classifier, genome, tmp_path / "hits.bed", p_value=0.01, names=names, q_values=False)
    rows = [line.split("\t") for line in (tmp_path / "hits.bed").read_text().splitlines()]
    assert [row[:8] for row in rows] == [line.split("\t")[:8] for line in text.splitlines()]
    assert "q" not in scan(classifier, genome, q_values=False)


def test_the_summary_counts_windows_and_chance_hits(rng):
    network = random_network(rng, n_kernels=2, width=8)
    sequence = "".join(rng.choice(list("ACGT"), 200_000)) + "N" * 1000 + "ACGTACGTAC"
    summary = scan_to_bed(classifier_of(network), {"c": sequence}, io.StringIO(), p_value=1e-3, background="uniform")
    # Windows with up to four N: four begin before the run, and four at its end; then those of the last ten bases.
    assert summary["windows"].tolist() == [2 * (200_000 - 7 + 4 + 4 + 3)] * 2
    assert summary["expected"].to_numpy() == pytest.approx(400, rel=0.02)
    assert (np.abs(summary["hits"] - summary["expected"]) < 6 * np.sqrt(summary["expected"])).all()
    hits = scan(classifier_of(network), {"c": sequence}, p_value=1e-3, background="uniform")
    lowest = hits.groupby("kernel")["activation"].min().to_numpy()
    assert (lowest > summary["threshold"]).all() and lowest == pytest.approx(summary["threshold"].to_numpy(), abs=0.05)


@pytest.fixture
def scattered(rng, monkeypatch):
    """A classifier, and a genome that is scanned in many portions."""
    monkeypatch.setattr(portions, "PORTION", 2**10)
    genome = {f"chr{i}": random_sequence(rng, int(rng.integers(10, 4000)), 0.05) for i in range(12)}
    return classifier_of(random_network(rng, width=8)), genome


def bed(classifier, genome, **arguments):
    file = io.StringIO()
    scan_to_bed(classifier, genome, file, p_value=0.01, **arguments)
    return file.getvalue()


def test_threads_and_processes_give_the_same_bytes(scattered):
    classifier, genome = scattered
    one = bed(classifier, genome)
    assert one.count("\n") > 100
    assert bed(classifier, genome, n_jobs=2) == one
    with parallel_config("loky", n_jobs=2):
        assert bed(classifier, genome) == one


def test_a_dask_scheduler_and_two_workers_give_the_same_bytes(scattered):
    distributed = pytest.importorskip("distributed")
    classifier, genome = scattered
    one = bed(classifier, genome)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        parallel_config("dask", client=client),
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        assert bed(classifier, genome) == one


def test_an_interrupted_run_leaves_nothing(rng, tmp_path, monkeypatch):
    from skdeepprune.effects import _scan

    classifier, genome = classifier_of(random_network(rng)), {"c": random_sequence(rng, 1000)}
    out = tmp_path / "hits.bed"
    out.write_text("of before")

    def interrupted(file, *_):
        file.write("chr1\t")
        raise KeyboardInterrupt

    monkeypatch.setattr(_scan, "write_bed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scan_to_bed(classifier, genome, out)
    assert [path.name for path in tmp_path.iterdir()] == ["hits.bed"] and out.read_text() == "of before"


def test_unscannable_input_is_refused(rng, tmp_path):
    network = random_network(rng)
    classifier, genome = classifier_of(network), {"chr1": "ACGTACGTACGT"}
    region = pd.DataFrame({"chrom": ["1"], "start": [0], "end": [5]})
    with pytest.raises(ValueError, match="has 'chr1': rename"):
        scan(classifier, genome, region)
    with pytest.raises(ValueError, match="expected a probability above 0"):
        scan(classifier, genome, p_value=0)
    with pytest.raises(ValueError, match="expected 3 names without blanks"):
        scan(classifier, genome, names=["a", "b"])
    with pytest.raises(ValueError, match="expected the frequencies of A, C, G and T"):
        scan(classifier, genome, background="gc")
    with pytest.raises(ValueError, match="no known bases"):
        scan(classifier, {"chr1": "NNNN"})
    with pytest.raises(ValueError, match="no sequences"):
        scan(classifier, [])
    with pytest.raises(ValueError, match="regions refer to a genome"):
        scan(classifier, ["ACGT"], region)
    with pytest.raises(FileNotFoundError):
        scan_to_bed(classifier, genome, tmp_path / "missing" / "hits.bed")
    classifier.is_dna_ = False
    with pytest.raises(ValueError, match="fitted on DNA"):
        scan(classifier, genome)


def test_memory_does_not_grow_with_the_genome(rng, tmp_path):
    """A chromosome of 64 Mb, in portions, within 200 MB of what the start takes."""
    path = tmp_path / "genome.fa"
    with open(path, "wb") as file:
        for i in range(2):
            letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, 2**25)].reshape(-1, 64)
            file.write(b">chr%d\n" % i + np.pad(letters, ((0, 0), (0, 1)), constant_values=10).tobytes())
    Genome(path).close()
    code = (
        "import resource, sys; sys.path.insert(0, 'tests')\n"
        "import numpy as np\n"
        "from strategies import *\n"
        "from skdeepprune.effects import scan_to_bed\n"
        "classifier = classifier_of(random_network(np.random.default_rng(0), n_kernels=4, width=16))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "scan_to_bed(classifier, {'c': 'ACGT' * 100}, '/dev/null')\n"
        "before = peak()\n"
        "scan_to_bed(classifier, sys.argv[1], '/dev/null')\n"
        "print(peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 2**10 * (32 + 200)
