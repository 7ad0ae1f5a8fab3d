import gzip
import io
import json
import re
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from strategies import GENOME, HEADER, classifier_of, network_of, snvs, write_vcf

from skdeepprune import load_model, save_model
from skdeepprune.cli import main
from skdeepprune.effects import _variants as variants_module
from skdeepprune.effects import saturation_mutagenesis, score_variants
from skdeepprune.effects._alleles import Alleles, Written, read_windows
from skdeepprune.effects._vcf import opened_variants
from skdeepprune.sequences import Genome, decode, encode, read_sequences

FORMAT = HEADER.replace("INFO\n", "INFO\tFORMAT\tone\ttwo\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with model.safetensors and genome.fa."""
    folder = tmp_path_factory.mktemp("files")
    classifier = classifier_of(network_of(0, True, True, 3))
    save_model(classifier, folder / "model.safetensors")
    (folder / "genome.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in GENOME.items()))
    return folder


def run(files, *arguments):
    options = ["--genome", str(files / "genome.fa"), "--window", "21"]
    return main(["variants", str(files / "model.safetensors"), *map(str, arguments), *options])


def scored(files, variants, **options):
    return score_variants(load_model(files / "model.safetensors"), variants, files / "genome.fa", window=21, **options)


def records():
    """Records with all that there may be: samples, odd numbers, several alleles, an odd ALT."""
    odd_info = "30.0000", "q10;s50", "DB;AF=0.5000;X=", "GT:DP:", "0|1:3:", "./."
    odd = [("chr1", 100, "a;b", GENOME["chr1"][99], "*,N,<DEL>", *odd_info)]
    plain = [(c, p, ".", ref, alt, "1e2", "PASS", ".", "GT", "0/1", ".") for c, p, ref, alt in snvs(4)]
    return [*odd, *plain, ("chrUn", 5, ".", "A", "C", ".", ".", "END=5", "GT", "0", "0")]


def test_table(files, tmp_path, capsys):
    path = write_vcf(tmp_path / "a.vcf.gz", *records(), header=FORMAT)
    assert run(files, path, "--background", "50", "--seed", "3") == 0
    out, err = capsys.readouterr()
    written = pd.read_csv(io.StringIO(out), sep="\t", keep_default_na=False, na_values=[""])
    with pytest.warns(UserWarning, match="on chromosomes such as 'chrUn'"):
        expected = scored(files, path, background=50, random_state=3)
    assert written.columns.tolist() == expected.columns.tolist()
    for name in expected:
        if expected[name].dtype.kind == "f":
            np.testing.assert_allclose(written[name], expected[name], rtol=1e-5, atol=1e-12)
        else:
            texts = [
                column.astype(object).where(column.notna(), "").tolist() for column in (written[name], expected[name])
            ]
            assert texts[0] == texts[1], name
    assert "8 alleles: 5 ok, 1 chromosome not in genome, 1 spanning deletion, 1 symbolic ALT; windows of 21 bp" in err
    assert "1 alleles are on chromosomes such as 'chrUn'" in err


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
def test_vcf_keeps_everything_else(files, tmp_path, name):
    pysam = pytest.importorskip("pysam", reason="the extra variants is not installed")
    path = write_vcf(tmp_path / "a.vcf", *records(), header=FORMAT)
    out = tmp_path / name
    assert run(files, path, "--out", out, "--background", "20") == 0
    content = out.read_bytes()
    text = (gzip.decompress(content) if name.endswith("gz") else content).decode()
    before, after = path.read_text().splitlines(), text.splitlines()
    ours = [line for line in after if line.startswith(("##INFO=<ID=SDP_", "##skdeepprune_variants="))]
    assert len(ours) == 9
    without = [line for line in after if line not in ours]
    assert [re.sub(r";?SDP_[A-Z]+=[^;\t]*", "", line) for line in without] == [
        line.replace("\tPASS\t.\t", "\tPASS\t\t") if "PASS" in line else line for line in before
    ]
    with pysam.VariantFile(str(out)) as read:
        found = list(read)
    table = scored(files, pd.DataFrame(snvs(4), columns=["chrom", "pos", "ref", "alt"]))
    assert [record.info["SDP_DELTA"][0] for record in found[1:5]] == pytest.approx(table["delta"].tolist(), rel=1e-5)
    assert found[0].info["SDP_STATUS"] == ("spanning_deletion", "ok", "symbolic_ALT")
    assert found[0].info["SDP_DELTA"][0] is None and found[0].info["SDP_DELTA"][2] is None
    assert found[5].info["SDP_STATUS"] == ("chromosome_not_in_genome",) and "SDP_DELTA" not in found[5].info
    again = tmp_path / f"again_{name}"
    assert run(files, out, "--out", again, "--background", "20") == 0
    repeated = again.read_bytes()
    repeated = (gzip.decompress(repeated) if name.endswith("gz") else repeated).decode()
    assert [line for line in repeated.splitlines() if line.startswith("chr")] == after[-6:]
    assert repeated.count("##INFO=<ID=SDP_DELTA,") == 1


def test_compressed_vcf_is_blocks_that_tabix_reads(files, tmp_path):
    pysam = pytest.importorskip("pysam", reason="the extra variants is not installed")
    rows = [(c, p, ".", ref, alt, ".", ".", ".") for c, p, ref, alt in sorted(snvs(50))]
    out = tmp_path / "out.vcf.gz"
    assert run(files, write_vcf(tmp_path / "a.vcf", *rows), "--out", out, "--quiet") == 0
    pysam.tabix_index(str(out), preset="vcf")
    with pysam.VariantFile(str(out)) as read:
        found = [record.pos for record in read.fetch("chr1", 50, 100)]
    assert found == [p for _, p, *_ in rows if 50 < p <= 100] != []


def test_no_records(files, tmp_path, capsys):
    path = write_vcf(tmp_path / "a.vcf")
    assert run(files, path) == 0
    out, err = capsys.readouterr()
    assert out.startswith("chrom\tpos\tid\tref\talt\tstatus\tlog_odds_ref") and out.count("\n") == 1
    assert "0 alleles; windows of 21 bp" in err
    assert run(files, path, "--out", tmp_path / "b.vcf", "--quiet") == 0
    assert (tmp_path / "b.vcf").read_text().startswith("##fileformat=VCFv4.2\n##INFO=<ID=SDP_STATUS")


@pytest.mark.parametrize("kind", ["vcf", "vcf.gz", "bcf"])
def test_standard_input(files, tmp_path, capsys, monkeypatch, kind):
    rows = [(c, p, ".", ref, alt, ".", ".", ".") for c, p, ref, alt in snvs(4)]
    header = HEADER.replace("#CHROM", "##contig=<ID=chr1,length=200>\n#CHROM")
    path = write_vcf(tmp_path / ("a.vcf.gz" if kind == "vcf.gz" else "a.vcf"), *rows, header=header)
    assert run(files, path, "--quiet") == 0
    expected = capsys.readouterr().out
    if kind == "bcf":
        pysam = pytest.importorskip("pysam", reason="the extra variants is not installed")
        with pysam.VariantFile(str(path)) as read:
            with pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=read.header) as write:
                for record in read:
                    write.write(record)
        path = tmp_path / "a.bcf"
    with open(path) as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(files, "-", "--quiet") == 0
    assert capsys.readouterr().out == expected


def outputs(files, tmp_path, path, *options):
    """The table and the VCF file that come of a file of variants, as bytes."""
    found = []
    for name in ("out.tsv", "out.vcf"):
        assert run(files, path, "--out", tmp_path / name, "--background", "30", "--force", "--quiet", *options) == 0
        found.append((tmp_path / name).read_bytes())
    return found


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A file of variants that are scored in many portions."""
    monkeypatch.setattr(variants_module, "_PORTION", 16)
    return write_vcf(tmp_path / "many.vcf", *[(c, p, ".", ref, alt, ".", ".", ".") for c, p, ref, alt in snvs(200)])


def test_threads_and_processes_give_the_same_bytes(files, tmp_path, many):
    one = outputs(files, tmp_path, many, "--n-jobs", "1")
    assert one[0].count(b"\n") == 201
    assert outputs(files, tmp_path, many, "--n-jobs", "2") == one
    with parallel_config("loky"):
        assert outputs(files, tmp_path, many, "--n-jobs", "2") == one


def test_a_dask_scheduler_and_two_workers_give_the_same_bytes(files, tmp_path, many):
    distributed = pytest.importorskip("distributed")
    one = outputs(files, tmp_path, many, "--n-jobs", "1")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        parallel_config("dask", client=client),
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        assert outputs(files, tmp_path, many) == one


@pytest.mark.parametrize("kind", ["vcf", "vcf.gz"])
def test_p_values_from_standard_input(files, tmp_path, capsys, monkeypatch, many, kind):
    packed = tmp_path / "many.vcf.gz"
    packed.write_bytes(gzip.compress(many.read_bytes()))
    expected = outputs(files, tmp_path, many)[0].decode()
    with open(packed if kind == "vcf.gz" else many) as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(files, "-", "--background", "30", "--quiet") == 0
    assert capsys.readouterr().out == expected
    damaged = tmp_path / "damaged"
    damaged.write_bytes(packed.read_bytes()[:-30] if kind == "vcf.gz" else many.read_bytes() + b"chr1\n")
    with open(damaged) as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(files, "-", "--background", "30", "--quiet") == 1
    assert "skdeepprune: <stdin>" in capsys.readouterr().err


def test_json(files, tmp_path, capsys):
    path = write_vcf(tmp_path / "a.vcf", *records(), header=FORMAT)
    assert run(files, path, "--json", "--out", tmp_path / "b.tsv") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["window"] == 21 and summary["alleles"]["ok"] == 5 and "chrUn" in summary["warnings"][0]


def test_refused_options(files, tmp_path, capsys):
    path = write_vcf(tmp_path / "a.vcf", *records(), header=FORMAT)
    assert run(files, path, "--json") == 2
    assert run(files, path, "--out", tmp_path / "b.bcf") == 2
    message = capsys.readouterr().err
    assert "BCF is read, but not written; expected .vcf, .vcf.gz, or" in message and "bcftools view -Ob" in message
    assert run(files, path, "--out", tmp_path / "b.tsv.gz") == 2
    assert "expected .vcf, .vcf.gz, or another ending for a table, such as .tsv" in capsys.readouterr().err
    assert run(files, path, "--out", path) == 2
    (tmp_path / "c.tsv").write_text("mine")
    assert run(files, path, "--out", tmp_path / "c.tsv") == 1
    assert (tmp_path / "c.tsv").read_text() == "mine"


def test_damaged_input_leaves_nothing(files, tmp_path, capsys):
    path = tmp_path / "a.vcf"
    path.write_text(HEADER + "chr1\t100\t.\tA\tC\t.\t.\t.\nchr1\thundred\t.\tA\tC\t.\t.\t.\n")
    assert run(files, path, "--out", tmp_path / "b.vcf") == 1
    assert "a.vcf, line 4: expected CHROM, POS (a whole number)" in capsys.readouterr().err
    assert not (tmp_path / "b.vcf").exists()


def test_mutate(files, tmp_path, capsys):
    sequences = {"one": "ACGTACGTTAGC", "two": "GGGTACNTTAG"}
    path = tmp_path / "a.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in sequences.items()))
    model = files / "model.safetensors"
    result = saturation_mutagenesis(load_model(model), list(sequences.values()))
    assert main(["mutate", str(model), str(path), "--quiet"]) == 0
    written = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    expected = result.to_frame(list(sequences))
    assert written.columns.tolist() == expected.columns.tolist()
    assert written["sequence"].tolist() == expected["sequence"].tolist()
    np.testing.assert_allclose(written["delta"], expected["delta"], rtol=1e-5, atol=1e-12)
    assert main(["mutate", str(model), str(path), "--out", str(tmp_path / "b.npz"), "--quiet"]) == 0
    with np.load(tmp_path / "b.npz") as arrays:
        np.testing.assert_array_equal(arrays["delta"], result.delta)
        assert arrays["names"].tolist() == ["one", "two"]
    assert main(["mutate", str(model), str(path), "--scores", "--quiet"]) == 0
    assert "delta_kernel_2" in capsys.readouterr().out
    assert main(["mutate", str(model), str(path), "--modisco", str(tmp_path / "none")]) == 2
    assert main(["mutate", str(model), str(path), "--plot", "x.png", "--scores"]) == 2
    assert main(["mutate", str(model), str(path), "--plot", str(tmp_path / "x.png"), "--sequence", "three"]) == 2
    assert "has no sequence of that name, but 'one', 'two'" in capsys.readouterr().err


def test_mutate_draws_and_writes_for_modisco(files, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    path = tmp_path / "a.fa"
    path.write_text(">one\nACGTACGTTAGC\n>two\nGGGTACCTTAGA\n")
    plot, out = tmp_path / "x.png", tmp_path / "b.tsv"
    options = ["--plot", str(plot), "--sequence", "two", "--modisco", str(tmp_path), "--out", str(out)]
    assert main(["mutate", str(files / "model.safetensors"), str(path), *options]) == 0
    assert plot.read_bytes()[:4] == b"\x89PNG" and out.exists()
    assert np.load(tmp_path / "one_hot.npz")["arr_0"].shape == (2, 4, 12)
    assert np.load(tmp_path / "contributions.npz")["arr_0"].shape == (2, 4, 12)


def applied(sequence, pos, ref, alt):
    """Put the widest window of the ALT allele that there is room for in the place of what it replaces."""
    alleles = Alleles.of([("c", pos, ".", ref, alt)])
    with Genome({"c": sequence}) as genome:
        for window in range(31, 0, -1):
            found = read_windows(genome, ["c"], alleles.pos - 1, Written.of([ref], [alt]), alleles.status, window)
            if found.status[0] == 0:
                break
    assert found.status.tolist() == [0]
    ((place, n_ref, n_alt),) = found.place.tolist()
    left = (window - n_alt) // 2
    right = window - n_alt - left
    return sequence[: place - left] + decode(found.alt, strip=False)[0] + sequence[place + n_ref + right :]


@pytest.mark.parametrize(
    ("name", "starts"),
    [("consensus.12", {"1:2-501": 2, "2": 1}), ("consensus.14", {"1": 1})],
)
def test_alt_sequences_are_those_of_bcftools(shared_data, name, starts):
    folder = shared_data / "genome" / "vcf_odd" / "bcftools"
    before, after = (read_sequences(folder / file) for file in (f"{name}.fa", f"{name}.out"))
    with opened_variants(folder / f"{name}.vcf") as file:
        variants = [(record.variant, record.fields[7]) for record in file]
    n_applied = 0
    for header, sequence, expected in zip(before.names, before.sequences, after.sequences, strict=True):
        chrom = header.split(":")[0]
        sequence = sequence.upper()
        done = len(sequence) + 1
        own = [(pos - starts[header] + 1, ref, alt, info) for (c, pos, _, ref, alt), info in variants if c == chrom]
        # From the right, so that places stay what they are; of two at one place bcftools takes the first.
        firsts = {}
        for pos, ref, alt, info in own:
            firsts.setdefault(pos, (ref, alt.split(",")[0], info))
        for pos, (ref, alt, info) in sorted(firsts.items(), reverse=True):
            if alt == "<DEL>":
                end = int(re.search(rb"END=(\d+)", info)[1])
                ref, alt = sequence[pos - 1 : end], sequence[pos - 1]
            if alt[0] in ".<":
                continue
            assert pos + len(ref) <= done
            sequence = applied(sequence, pos, ref, alt)
            done, n_applied = pos, n_applied + 1
        np.testing.assert_array_equal(encode([sequence]), encode([expected]))
    assert n_applied >= 1


def test_an_insertion_as_bcftools_makes_it(shared_data):
    folder = shared_data / "genome" / "vcf_odd" / "bcftools"
    before, after = (read_sequences(folder / f"consensus.9.1.{kind}") for kind in ("fa", "out"))
    (i,) = np.flatnonzero([name.startswith("14:43616643-") for name in before.names])
    assert applied(before.sequences[i], 43616653 - 43616643 + 1, "T", "TGAA") == after.sequences[i]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(files, tmp_path):
    """Ten times as many records need no more memory, give or take 50 MB."""
    psutil = pytest.importorskip("psutil")
    peaks = []
    for n in (30_000, 300_000):
        rows = [(c, p, ".", ref, alt, ".", ".", ".") for c, p, ref, alt in snvs(1000)] * (n // 1000)
        path = write_vcf(tmp_path / f"{n}.vcf", *rows)
        options = ["variants", files / "model.safetensors", path, "--genome", files / "genome.fa", "--window", "21"]
        command = [
            sys.executable,
            "-m",
            "skdeepprune",
            *map(str, options),
            "--out",
            str(tmp_path / f"{n}.tsv"),
            "--quiet",
        ]
        peak = 0
        with subprocess.Popen(command) as process:
            watched = psutil.Process(process.pid)
            while process.poll() is None:
                with suppress(psutil.Error):
                    peak = max(peak, watched.memory_info().rss)
                time.sleep(0.02)
        assert process.returncode == 0
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 50 * 2**20
