import argparse
import ctypes
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest

from skdeepprune import DeepPruneClassifier
from skdeepprune._model_file import load_model
from skdeepprune.cli import main, make_parser
from skdeepprune.cli._fit import FILES
from skdeepprune.cli._regions import SET_FILES
from skdeepprune.datasets import load_simulated
from skdeepprune.motifs import Motif, load_jaspar, read_motifs, write_motifs

SMALL = ["--kernels", "2", "--prunings", "1", "--kernel-length", "8", "--max-iter", "3", "--targets", "none"]


@pytest.fixture(scope="module")
def data():
    return load_simulated(3, n_train=300, n_test=200, random_state=0)


@pytest.fixture(scope="module")
def inputs(data, tmp_path_factory):
    """A folder of input files: labeled.fa, bound.fa, unbound.fa, test.fa."""
    folder = tmp_path_factory.mktemp("inputs")

    def write(name, X, headers):
        (folder / name).write_text("".join(f">{header}\n{x}\n" for x, header in zip(X, headers, strict=True)))

    write("labeled.fa", data.X_train, [f"{label} sequence {i}" for i, label in enumerate(data.y_train)])
    write("test.fa", data.X_test, [f"{label} test {i}" for i, label in enumerate(data.y_test)])
    for name, label in (("bound.fa", 1), ("unbound.fa", 0)):
        X = data.X_train[data.y_train == label]
        write(name, X, [f"peak_{i}" for i in range(len(X))])
    return folder


@pytest.fixture(scope="module")
def fitted(inputs, tmp_path_factory):
    """The folder that `fit` wrote."""
    out = tmp_path_factory.mktemp("fitted") / "out"
    assert main(["fit", str(inputs / "labeled.fa"), "--labels", "--out", str(out), "--quiet", *SMALL]) == 0
    return out


def run(*arguments):
    return main([str(argument) for argument in arguments])


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fit_writes_model_tables_motifs_and_report(fitted):
    assert names_in(fitted) == sorted(set(FILES) - {"tomtom.csv", *SET_FILES})
    model = load_model(fitted / "model.safetensors")
    assert model.kernels_.shape == (2, 8, 4)
    history = pd.read_csv(fitted / "history.csv")
    assert history["n_kernels"].unique().tolist() == [4, 2]
    assert pd.read_csv(fitted / "stages.csv")["kernels"].tolist() == [4, 2]
    assert {motif.name for motif in read_motifs(fitted / "motifs.meme")} <= {"kernel_0", "kernel_1"}
    assert (fitted / "report.html").read_text().startswith("<!doctype html>")


def test_fit_again_gives_the_same_predictions(inputs, fitted, tmp_path):
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "again", "--quiet", *SMALL]
    assert run(*arguments, "--n-jobs", "1") == 0
    one, other = (load_model(folder / "model.safetensors") for folder in (fitted, tmp_path / "again"))
    np.testing.assert_array_equal(one.kernels_, other.kernels_)


def test_fit_tells_a_summary_as_json(inputs, tmp_path, capsys):
    targets = tmp_path / "known.meme"
    rng = np.random.default_rng(0)
    write_motifs([Motif(f"m{i}", rng.dirichlet([0.3] * 4, size=8) * 50, n_sites=50) for i in range(30)], targets)
    out = tmp_path / "out"
    arguments = ["fit", inputs / "bound.fa", "--negatives", inputs / "unbound.fa", "--test", inputs / "bound.fa"]
    assert run(*arguments, "--out", out, "--json", *SMALL, "--targets", targets) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert sorted(summary["files"]) == names_in(out) == sorted(set(FILES) - set(SET_FILES))
    assert (summary["n_train"], summary["n_test"]) == (300, 300)
    assert [stage["kernels"] for stage in summary["stages"]] == [4, 2]
    assert summary["motifs"][0]["match"].startswith("m")
    assert "stage" not in captured.err and "\r" not in captured.err, "no bar where there is no terminal"
    tomtom = pd.read_csv(out / "tomtom.csv")
    best = tomtom.loc[tomtom.groupby("query")["p"].idxmin()]
    assert (best["orientation"] == "+").all()  # motifs.meme has the motifs as their best matches read


def test_positives_alone_get_shuffles_and_a_test_share(inputs, tmp_path, capsys):
    arguments = ["fit", inputs / "bound.fa", "--out", tmp_path / "out", "--json", *SMALL]
    assert run(*arguments, "--test-share", "0.2") == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["n_train"], summary["n_test"]) == (240, 60)
    assert "120 bound and 120 unbound sequences of 101 bp" in captured.err


def test_no_test_share(inputs, tmp_path, capsys):
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out", "--json", "--test-share", "0"]
    assert run(*arguments, *SMALL) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["n_train"], summary["n_test"]) == (300, 0)
    assert "test AUC" not in summary["stages"][0]


def test_shuffles_made_here_are_renewed_in_every_epoch_and_given_negatives_are_not(inputs, tmp_path):
    assert run("fit", inputs / "bound.fa", "--out", tmp_path / "out", "--quiet", *SMALL, "--seed", "1") == 0
    assert load_model(tmp_path / "out" / "model.safetensors").negatives_ == "dinucleotide"
    assert run("fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "other", "--quiet", *SMALL) == 0
    assert load_model(tmp_path / "other" / "model.safetensors").negatives_ != "dinucleotide"


def test_predict_writes_a_table(fitted, inputs, data, capsys):
    assert run("predict", fitted / "model.safetensors", inputs / "test.fa", "--scores") == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    model = load_model(fitted / "model.safetensors")
    assert table["name"].tolist() == [f"{label} test {i}" for i, label in enumerate(data.y_test)]
    np.testing.assert_allclose(table["probability"], model.predict_proba(data.X_test)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(table[["kernel_0", "kernel_1"]], model.transform(data.X_test), rtol=1e-5)


def test_predict_keeps_names_that_look_like_formulas(fitted, inputs, tmp_path, capsys):
    names = ["=1+1", "-2", "+a", "@b", "'c"]
    (tmp_path / "odd.fa").write_text("".join(f">{name}\nACGTACGTAC\n" for name in names))
    assert run("predict", fitted / "model.safetensors", tmp_path / "odd.fa", "--quiet") == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()[1:]] == names


def test_predict_in_portions(fitted, inputs, tmp_path, capsys, monkeypatch):
    assert run("predict", fitted / "model.safetensors", inputs / "test.fa") == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("skdeepprune.cli._predict._BATCH_SEQUENCES", 30)
    assert run("predict", fitted / "model.safetensors", inputs / "test.fa", "--out", tmp_path / "table.tsv") == 0
    assert (tmp_path / "table.tsv").read_text() == whole
    assert "30 sequences" in capsys.readouterr().err


def test_predict_locates_a_wrong_letter(fitted, tmp_path, capsys, monkeypatch):
    (tmp_path / "bad.fa").write_text(">a\nACGT\n" * 5 + ">b\nACXT\n")
    monkeypatch.setattr("skdeepprune.cli._predict._BATCH_SEQUENCES", 4)
    arguments = ["predict", fitted / "model.safetensors", tmp_path / "bad.fa", "--out", tmp_path / "table.tsv"]
    assert run(*arguments) == 1
    error = capsys.readouterr().err
    assert "bad.fa: Sequence 1 has the letter 'X'" in error and "counted from sequence 5 of the file" in error
    assert names_in(tmp_path) == ["bad.fa"]


@pytest.mark.parametrize("command", ["fit", "demo"])
def test_a_wrong_letter_is_named_with_its_file(command, tmp_path, capsys):
    bad = tmp_path / "bad.fa"
    bad.write_text(">1 a\nACGT\n>0 b\nACXT\n")
    arguments = ["fit", bad, "--out", tmp_path / "out"] if command == "fit" else ["demo", "--train", bad, "--test", bad]
    assert run(*arguments) == 1
    assert "bad.fa: Sequence 1 has the letter 'X' at position 2" in capsys.readouterr().err
    assert names_in(tmp_path) == ["bad.fa"]


def test_motifs_go_to_the_standard_output(fitted, inputs, tmp_path, capsys):
    arguments = ["motifs", fitted / "model.safetensors", inputs / "bound.fa", "--targets", "none"]
    assert run(*arguments, "--format", "jaspar", "--quiet") == 0
    (tmp_path / "motifs.jaspar").write_text(capsys.readouterr().out)
    assert all(motif.name.startswith("kernel_") for motif in read_motifs(tmp_path / "motifs.jaspar"))
    assert run(*arguments, "--out", tmp_path / "motifs.meme", "--json") == 0
    assert json.loads(capsys.readouterr().out)["motifs"][0]["motif"].startswith("kernel_")
    assert run(*arguments, "--json") == 2


def test_report_of_a_model(fitted, inputs, tmp_path, capsys):
    out = tmp_path / "report.html"
    arguments = ["report", fitted / "model.safetensors", inputs / "test.fa", "--labels", "--targets", "none"]
    assert run(*arguments, "--out", out, "--title", "A <title>") == 0
    assert "<title>A &lt;title&gt;</title>" in out.read_text()
    assert run(*arguments, "--out", out) == 1
    assert "already exists; pass --force" in capsys.readouterr().err
    assert run(*arguments, "--out", out, "--force") == 0


def test_nothing_is_overwritten_without_force(fitted, inputs, capsys):
    before = {path.name: path.read_bytes() for path in fitted.iterdir()}
    assert run("fit", inputs / "labeled.fa", "--labels", "--out", fitted, *SMALL) == 1
    assert "pass --force to overwrite" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in fitted.iterdir()} == before


def test_force_keeps_other_files_and_removes_old_results(inputs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", out, "--quiet", *SMALL]
    assert run(*arguments) == 0  # a folder without files of ours needs no --force
    (out / "tomtom.csv").write_text("of an older run")
    assert run(*arguments, "--force") == 0
    assert names_in(out) == sorted({*FILES, "notes.txt"} - {"tomtom.csv", *SET_FILES})
    assert (out / "notes.txt").read_text() == "mine"
    assert names_in(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("failing", "kept"),
    [
        ("_fit.save_model", []),
        ("_fit.stage_table", ["history.csv", "model.safetensors"]),
        ("_fit.write_motifs", ["history.csv", "model.safetensors", "stages.csv"]),
        ("_report.write_report", ["history.csv", "model.safetensors", "motifs.meme", "stages.csv"]),
    ],
)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_trained_model_is_not_lost(inputs, tmp_path, capsys, monkeypatch, failing, kept, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(f"skdeepprune.cli.{failing}", fail)
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out", "--quiet", *SMALL]
    assert run(*arguments) == (130 if isinstance(error, KeyboardInterrupt) else 1)
    error_text = capsys.readouterr().err
    assert ("No space left on device" in error_text) == isinstance(error, OSError)
    if not kept:
        assert names_in(tmp_path) == []
        return
    assert names_in(tmp_path / "out") == kept
    assert isinstance(error, KeyboardInterrupt) or "model.safetensors, history.csv" in error_text
    assert load_model(tmp_path / "out" / "model.safetensors").kernels_.shape == (2, 8, 4)


def test_an_older_report_does_not_stay_beside_a_newer_model(inputs, tmp_path, monkeypatch):
    out = tmp_path / "out"
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", out, "--quiet", "--force", *SMALL]
    assert run(*arguments) == 0
    before = (out / "model.safetensors").read_bytes()
    for failing, is_old in (("_fit.save_model", True), ("_report.write_report", False)):
        with monkeypatch.context() as patch:
            patch.setattr(f"skdeepprune.cli.{failing}", lambda *_, **__: 1 / 0)
            assert run(*arguments, "--seed", "1") == 1
        assert ((out / "model.safetensors").read_bytes() == before) == is_old
        assert (out / "report.html").exists() == is_old


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_a_file_that_grows_too_large_leaves_nothing(fitted, inputs, tmp_path):
    import resource

    run = subprocess.run(
        [sys.executable, "-m", "skdeepprune", "predict", fitted / "model.safetensors", inputs / "test.fa"]
        + ["--out", tmp_path / "table.tsv"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert run.returncode == 1
    assert run.stderr.startswith("skdeepprune: [Errno 27]")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interruption_leaves_nothing(inputs, tmp_path, number, code):
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "new" / "out", "--batch-size", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "skdeepprune", *arguments, "--kernels", "64"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets its background jobs, and what they start, ignore interruptions.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "new" / "out").is_dir():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    _, error = process.communicate(timeout=120)
    # Where the interruption met an `exec` of numba's, Python ends itself by the signal; a shell sees the same code.
    assert process.returncode in (code, -signal.SIGINT if number == signal.SIGINT else code)
    assert "Traceback" not in error
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_within_a_callback_from_c_is_not_lost(monkeypatch, inputs, tmp_path, capsys, number, code):
    def interrupted(*_):
        ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))()
        time.sleep(60)

    monkeypatch.setattr(DeepPruneClassifier, "fit", interrupted)
    handler_before = signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    try:
        assert run("fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out") == code
    finally:
        signal.signal(signal.SIGINT, handler_before)
    assert time.monotonic() - start < 30
    assert "Traceback" not in capsys.readouterr().err
    assert names_in(tmp_path) == []


def test_standard_input_and_a_reader_that_has_enough(fitted, inputs):
    command = [sys.executable, "-m", "skdeepprune", "predict", fitted / "model.safetensors", "-", "--quiet"]
    text = (inputs / "test.fa").read_bytes()
    whole = subprocess.run(command, input=text, capture_output=True, check=True)
    assert whole.stdout.count(b"\n") == 201 and whole.stderr == b""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        run = subprocess.run(command, input=text, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("fit", 2, "the following arguments are required"),
        ("prune", 2, "invalid choice"),
        ("fit {inputs}/none.fa --out {tmp}/out", 1, "No such file"),
        ("fit {inputs}/bound.fa --out {inputs}/bound.fa", 1, "is a file; expected the name of a folder"),
        ("fit {inputs}/bound.fa --out {tmp}/out --test-share 1", 2, "expected a share"),
        ("fit {inputs}/bound.fa --out {tmp}/out --targets none.meme", 1, "none.meme: expected a motif"),
        ("fit {inputs}/labeled.fa --labels --negatives {inputs}/unbound.fa --out {tmp}/out", 2, "one or"),
        ("fit {inputs}/bound.fa --out {tmp}/out --targets JASPAR1999", 1, "release='JASPAR1999'; expected one of"),
        ("fit {inputs}/bound.fa --out {tmp}/out --targets {inputs}/bound.fa", 1, "bound.fa"),
        ("fit {inputs}/bound.fa --out {tmp}/out --kernels 0", 2, "--kernels: expected a whole number >= 1, got '0'"),
        ("fit {inputs}/bound.fa --out {tmp}/out --kernels some", 2, "--kernels: expected a whole number >= 1"),
        ("fit {inputs}/bound.fa --out {tmp}/out --seed -1", 2, "--seed"),
        ("fit {inputs}/bound.fa --out {tmp}/out --n-jobs 0", 2, "--n-jobs: expected a whole number >= 1, got '0'"),
        ("fit {inputs}/bound.fa --out {tmp}/out --learning-rate -1", 2, "--learning-rate"),
        ("predict {model} {inputs}/none.fa", 1, "No such file"),
        ("motifs {model} {inputs}/bound.fa --matches {tmp}/x.csv --targets none", 2, "no known motifs"),
        ("predict {inputs}/bound.fa {inputs}/bound.fa", 1, "is not a skdeepprune model file"),
        ("predict {model} {inputs}/bound.fa --out {tmp}/no/x", 1, "does not exist"),
        ("predict {model} {inputs}/bound.fa --out {tmp}", 1, "is a folder"),
        ("demo --train x.fa", 2, "both --train and --test"),
    ],
)
def test_errors_are_reported(inputs, fitted, tmp_path, capsys, arguments, code, message):
    arguments = arguments.split()
    assert (
        run(*(argument.format(inputs=inputs, model=fitted / FILES[0], tmp=tmp_path) for argument in arguments)) == code
    )
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert names_in(tmp_path) == []


def test_known_motifs_are_those_of_a_group_of_species(fitted, inputs, tmp_path, capsys):
    arguments = ["motifs", fitted / "model.safetensors", inputs / "bound.fa", "--out", tmp_path / "m.meme", "--quiet"]
    assert run(*arguments, "--matches", tmp_path / "m.csv", "--targets", "jaspar2024:fungi") == 0
    found = set(pd.read_csv(tmp_path / "m.csv")["target"])
    assert found and found <= {motif.name for motif in load_jaspar(tax_group="fungi")}
    assert run(*arguments, "--force", "--targets", "JASPAR2024:mushrooms") == 1
    assert "has no motifs with collection='CORE' and tax_group='mushrooms'" in capsys.readouterr().err


def test_a_warning_is_a_line_of_its_own(fitted, tmp_path, capsys):
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{'N' * 40}\n" for i in range(3)))
    arguments = ["motifs", fitted / "model.safetensors", tmp_path / "a.fa", "--targets", "none", "--quiet"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        before = warnings.showwarning
        assert run(*arguments) == 0
        assert warnings.showwarning is before
    lines = capsys.readouterr().err.splitlines()
    assert lines and all(line.startswith("warning: kernel_") and ".py" not in line for line in lines)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run(*arguments[:-1], "--out", tmp_path / "motifs.meme") == 0
    assert "No kernel has a motif." in capsys.readouterr().err


def test_without_jaspar_motifs_are_not_named(inputs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("skdeepprune.cli._motifs.find_spec", lambda _: None)
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out", *SMALL[:-2]]
    assert run(*arguments) == 0
    assert "pip install skdeepprune[motifs]" in capsys.readouterr().err
    assert run(*arguments, "--force", "--targets", "JASPAR2024") == 1
    assert "needs pyjaspar" in capsys.readouterr().err


def test_every_option_is_explained(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    (commands,) = [action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    expected = [
        "fit",
        "predict",
        "motifs",
        "report",
        "negatives",
        "variants",
        "mutate",
        "scan",
        "track",
        "demo",
        "bench",
    ]
    assert list(commands.choices) == expected
    for name, parser in commands.choices.items():
        assert f"\n    {name}" in overview
        assert main([name, "--help"]) == 0
        for action in parser._actions:
            assert action.help, f"{name}: {action.option_strings or action.dest} has no help"


def small_demo(monkeypatch):
    import skdeepprune.cli._demo as demo

    simulated, classifier = load_simulated(3, n_train=300, n_test=200, random_state=0), demo.DeepPruneClassifier
    monkeypatch.setattr(demo, "load_simulated", lambda *_, **__: simulated)
    monkeypatch.setattr(demo, "DeepPruneClassifier", lambda **options: classifier(**options, n_prunings=2, max_iter=2))


def test_demo_ends_with_the_path_of_a_report(tmp_path, capsys, monkeypatch):
    small_demo(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert run("demo", "--quiet") == 0
    assert run("demo", "--quiet") == 0
    assert names_in(tmp_path) == ["skdeepprune-demo-2.html", "skdeepprune-demo.html"]
    output = capsys.readouterr().out
    assert output.endswith(f"Wrote the report: {tmp_path.resolve()}/skdeepprune-demo-2.html\n")
    assert "The planted motifs are TBP and PAX6" in output


def test_demo_on_bound_sequences_alone(inputs, tmp_path, capsys, monkeypatch):
    small_demo(monkeypatch)
    files = ["--train", inputs / "bound.fa", "--test", inputs / "bound.fa"]
    assert run("demo", *files, "--report", tmp_path / "report.html", "--quiet") == 0
    n = (inputs / "bound.fa").read_text().count(">")
    assert f"Training on {n} bound and {n} unbound sequences" in capsys.readouterr().out


def test_demo_on_files_with_a_plot(inputs, tmp_path, capsys, monkeypatch):
    small_demo(monkeypatch)
    files = ["--train", inputs / "labeled.fa", "--test", inputs / "test.fa"]
    options = ["--plot", tmp_path / "plot.svg", "--report", tmp_path / "report.html"]
    assert run("demo", *files, *options, "--quiet") == 0
    assert names_in(tmp_path) == ["plot.svg", "report.html"]
    report = (tmp_path / "report.html").read_text()
    assert "labeled.fa" in report and "compared with</dt><dd>JASPAR2024" in report
    assert run("demo", *files, *options, "--quiet") == 1
    assert "pass --force" in capsys.readouterr().err
