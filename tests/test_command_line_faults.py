"""Faults around a command: streams, interruptions, names, numbers, files in the way."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from skdeepprune._model_file import load_model
from skdeepprune.cli import main
from skdeepprune.cli._fit import FILES
from skdeepprune.datasets import load_simulated

SMALL = ["--kernels", "2", "--prunings", "0", "--kernel-length", "8", "--max-iter", "2", "--targets", "none"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder of labeled.fa, bound.fa, unbound.fa (labeled 0) and the model out/model.safetensors."""
    folder = tmp_path_factory.mktemp("inputs")
    data = load_simulated(3, n_train=200, n_test=200, random_state=0)
    records = [
        f">{label} sequence {i}\n{x}\n" for i, (x, label) in enumerate(zip(data.X_train, data.y_train, strict=True))
    ]
    (folder / "labeled.fa").write_text("".join(records))
    for name, label in (("bound.fa", "1"), ("unbound.fa", "0")):
        (folder / name).write_text("".join(record for record in records if record[1] == label))
    arguments = ["fit", folder / "labeled.fa", "--labels", "--out", folder / "out", "--quiet", *SMALL]
    assert main([str(argument) for argument in arguments]) == 0
    return folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def run(*arguments):
    return main([str(argument) for argument in arguments])


def start(*arguments, **options):
    command = [sys.executable, "-m", "skdeepprune", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def message_of(process, timeout=120):
    """The message of a process, which must be at most one line, without a traceback."""
    _, error = process.communicate(timeout=timeout)
    assert b"Traceback" not in error and b"Exception ignored" not in error
    assert error.count(b"\n") <= 1, error
    return error.decode()


@pytest.mark.parametrize("delay", [0.15, 0.3, 0.5, 0.8, 1.2, 2.0])
def test_an_interruption_while_it_is_loading(tmp_path, delay):
    (tmp_path / "in.fa").write_text(">a\nACGT\n" * 100)
    process = start(
        *["fit", tmp_path / "in.fa", "--out", tmp_path / "out", "--quiet", "--batch-size", "1"],
        stdout=subprocess.DEVNULL,
        # A shell lets its background jobs, and what they start, ignore interruptions.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    error = message_of(process)
    assert process.returncode in (130, -signal.SIGINT)
    assert error in ("skdeepprune: interrupted\n", "")
    assert names_in(tmp_path) == ["in.fa"]


def test_little_is_loaded_before_interruptions_are_handled():
    code = "import sys; before = set(sys.modules); import skdeepprune.__main__; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"skdeepprune", "skdeepprune._version", "skdeepprune.__main__"}
    assert own <= set(run.stdout.split()) <= {*own, "__future__"}


def closing(*descriptors):
    def close():
        for descriptor in descriptors:
            os.close(descriptor)

    return close


def test_closed_standard_input(inputs):
    process = start("predict", inputs / "out" / FILES[0], "-", preexec_fn=closing(0), stdout=subprocess.DEVNULL)
    assert "<stdin>" in message_of(process) and process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("predict {model} {inputs}/bound.fa", 2),
        ("motifs {model} {inputs}/bound.fa --targets none", 2),
        ("report {model} {inputs}/labeled.fa --labels --targets none --out {tmp}/r.html --json", 2),
        ("report {model} {inputs}/labeled.fa --labels --targets none --out {tmp}/r.html --quiet", 0),
        ("predict {model} {inputs}/bound.fa --out {tmp}/table.tsv --quiet", 0),
        ("--help", 0),
        ("--version", 0),
    ],
)
def test_closed_standard_output(inputs, tmp_path, arguments, code):
    filled = [part.format(inputs=inputs, model=inputs / "out" / FILES[0], tmp=tmp_path) for part in arguments.split()]
    process = start(*filled, preexec_fn=closing(1))
    if arguments.startswith("--"):
        process.communicate(timeout=120)
    else:
        assert ("standard output, which is closed" in message_of(process)) == bool(code)
    assert process.returncode == code
    assert len(names_in(tmp_path)) == int(code == 0 and not arguments.startswith("--"))


def test_closed_standard_error_and_all_three(inputs, tmp_path):
    for i, descriptors in enumerate([(2,), (0, 1, 2)]):
        out = tmp_path / str(i)
        process = start(
            *["fit", inputs / "labeled.fa", "--labels", "--out", out, *SMALL],
            stdout=subprocess.DEVNULL if 1 in descriptors else subprocess.PIPE,
            preexec_fn=closing(*descriptors),
        )
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        assert names_in(out) == names_in(inputs / "out")
        assert printed is None or b"Training on" not in printed, "messages do not go into the output"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full there")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output(inputs, unbuffered):
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "wb") as full:
        process = start("predict", inputs / "out" / FILES[0], inputs / "bound.fa", stdout=full, env=environment)
        error = message_of(process)
    assert process.returncode == 1 and error.startswith("skdeepprune: [Errno 28] No space left on device")


def test_work_goes_on_when_nobody_reads_the_messages(inputs, tmp_path):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "skdeepprune", "fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out"]
    with os.fdopen(write, "wb") as broken:
        run = subprocess.run([*command, *SMALL], stdout=subprocess.PIPE, stderr=broken, check=False, timeout=300)
    assert run.returncode == 0 and b"Wrote model.safetensors" in run.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        "fit in --out x --kernels 99999999999999999999",
        "fit in --out x --kernels " + "9" * 5000,
        "fit in --out x --seed 4294967296",
        "fit in --out x --prunings 101",
        "fit in --out x --kernel-length -3",
        "fit in --out x --max-iter 1e3",
        "fit in --out x --n-jobs 99999999",
        "fit in --out x --batch-size 9223372036854775808",
        "fit in --out x --learning-rate inf",
        "fit in --out x --learning-rate nan",
        "fit in --out x --width -1",
        "fit in --out x --test-share nan",
        "predict model in --width 99999999999",
        "bench --out x --seeds 0-99999999999999",
        "bench --out x --seeds " + "9" * 4400,
        "bench --out x --seeds 5-3",
        "bench --out x --n-jobs 0",
        "bench --out x --n-positives 0",
    ],
)
def test_a_number_out_of_range(tmp_path, capsys, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    Path("in").touch()
    assert run(*arguments.split()) == 2
    captured = capsys.readouterr()
    assert "expected a" in captured.err and len(captured.err.splitlines()[-1]) < 300
    assert names_in(tmp_path) == ["in"]


NAMES = ["x" * 250, "é" * 125, os.fsdecode(b"\xff\xfe\xfd"), "a\nb", "=cmd", "'\"<&"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_kind(inputs, tmp_path, capsysbinary, name):
    source = tmp_path / "in" / f"{name[:240]}.fa"
    source.parent.mkdir()
    source.write_bytes((inputs / "labeled.fa").read_bytes())
    arguments = ["fit", source, "--labels", "--out", tmp_path / name, *SMALL]
    assert run(*arguments, "--title", name) == 0
    assert names_in(tmp_path / name) == names_in(inputs / "out")
    load_model(tmp_path / name / FILES[0])
    (tmp_path / name / "report.html").read_text(encoding="utf-8")
    capsysbinary.readouterr()
    assert run(*arguments, "--force", "--quiet", "--json") == 0
    json.loads(capsysbinary.readouterr().out)
    assert run("predict", tmp_path / name / FILES[0], source, "--out", tmp_path / name / name, "--quiet") == 0
    assert (tmp_path / name / name).read_bytes().startswith(b"name\tprobability\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("predict {model} {tmp}/a.fa --out {tmp}/a.fa", "is also an input"),
        ("predict {model} {tmp}/a.fa --out {tmp}/link.fa", "is also an input"),
        ("predict {model} {tmp}/a.fa --out {model}", "is also an input"),
        ("predict {model} {tmp}/a.fa --out {tmp}/../{name}/./a.fa", "is also an input"),
        ("motifs {model} {tmp}/a.fa --out {tmp}/m --matches {tmp}/m --targets {tmp}/known", "are the same file"),
        ("motifs {model} {tmp}/a.fa --out {tmp}/known --targets {tmp}/known", "is also an input"),
        ("report {model} {tmp}/a.fa --out {tmp}/a.fa", "is also an input"),
        ("report {model} {tmp}/a.fa --out {tmp}/b --negatives {tmp}/b", "is also an input"),
        ("demo --train {tmp}/a.fa --test {tmp}/a.fa --report {tmp}/a.fa", "is also an input"),
        ("demo --report {tmp}/r.svg --plot {tmp}/r.svg", "are the same file"),
        ("demo --report {tmp}/r.html --plot {tmp}/plot.bam", "a name that ends in one of"),
        ("fit {tmp}/out/motifs.meme --out {tmp}/out", "is also an input"),
        ("fit {tmp}/a.fa --targets {tmp}/out/motifs.meme --out {tmp}/out", "is also an input"),
    ],
)
def test_outputs_that_are_inputs_and_outputs_that_are_one(inputs, tmp_path, capsys, arguments, message):
    for name in ("a.fa", "known", "b"):
        (tmp_path / name).write_text("what was there")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "motifs.meme").write_text("what was there")
    (tmp_path / "link.fa").symlink_to("a.fa")
    model = inputs / "out" / FILES[0]
    before = model.read_bytes()
    filled = [part.format(tmp=tmp_path, model=model, name=tmp_path.name) for part in arguments.split()]
    assert run(*filled, "--force") == 2
    assert message in capsys.readouterr().err
    assert model.read_bytes() == before
    assert names_in(tmp_path) == ["a.fa", "b", "known", "link.fa", "out"]
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"what was there"}


def test_the_null_device_may_be_written_twice(inputs, capsys):
    arguments = ["motifs", inputs / "out" / FILES[0], inputs / "bound.fa", "--targets", inputs / "out" / "motifs.meme"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run(*arguments, "--out", "/dev/null", "--matches", "/dev/null", "--force", "--quiet") == 0
    assert "warning: Only 2 target motifs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (lambda tmp: (tmp / "out" / "report.html").mkdir(parents=True), "--force", "report.html is a folder"),
        (lambda tmp: (tmp / "out").symlink_to(tmp / "file"), "", "is a file"),
        (lambda tmp: None, "--test {inputs}/unbound.fa --labels", "all 100 sequences are unbound"),
        (lambda tmp: (tmp / "x.meme").write_text("MEME version 4\n"), "--targets {tmp}/x.meme", "x.meme"),
        (lambda tmp: (tmp / "x.meme").touch(), "--targets {tmp}/x.meme", "x.meme"),
        (lambda tmp: (tmp / "out").write_text(""), "", "is a file; expected the name of a folder"),
    ],
)
def test_arguments_are_checked_before_training(inputs, tmp_path, capsys, monkeypatch, prepare, arguments, message):
    (tmp_path / "file").touch()
    prepare(tmp_path)
    before = names_in(tmp_path)
    monkeypatch.setattr("skdeepprune.DeepPruneClassifier.fit", lambda *_: pytest.fail("was trained"))
    options = [*SMALL, *arguments.format(tmp=tmp_path, inputs=inputs).split()]
    assert run("fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out", *options) == 1
    assert message in capsys.readouterr().err
    assert names_in(tmp_path) == before


def test_a_folder_on_another_file_system(inputs, tmp_path):
    there = Path("/dev/shm")
    if not there.is_dir() or there.stat().st_dev == tmp_path.stat().st_dev:
        there = tmp_path
    target = there / f"skdeepprune-test-{os.getpid()}"
    (tmp_path / "out").symlink_to(target)
    arguments = ["fit", inputs / "labeled.fa", "--labels", "--out", tmp_path / "out", "--quiet", *SMALL]
    try:
        assert run(*arguments) == 0  # the link leads nowhere at first
        assert run(*arguments, "--force") == 0
        assert names_in(target) == names_in(inputs / "out") and (tmp_path / "out").is_symlink()
    finally:
        for path in target.glob("*"):
            path.unlink()
        target.rmdir()
