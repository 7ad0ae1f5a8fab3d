import contextlib
import json
import pickle
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from skdeepprune import DeepPruneClassifier
from skdeepprune._model_file import load_model, save_model
from skdeepprune._model_layout import _digest, pack, unpack
from skdeepprune.datasets import load_simulated


@pytest.fixture(scope="module")
def data():
    return load_simulated(3, n_train=300, n_test=200, random_state=0)


@pytest.fixture(scope="module")
def fitted(data):
    classifier = DeepPruneClassifier(n_kernels=2, n_prunings=1, kernel_length=8, max_iter=3, random_state=0)
    return classifier.fit(data.X_train, data.y_train)


@pytest.fixture(scope="module")
def content(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(fitted, path)
    return path.read_bytes()


def loaded(content, folder):
    path = folder / "model.safetensors"
    path.write_bytes(content)
    return load_model(path)


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_loading_restores_the_saved_model(fitted, content, data, tmp_path):
    model = loaded(content, tmp_path)
    assert model.get_params() == fitted.get_params()
    assert vars(model).keys() == vars(fitted).keys()
    for one, other in zip(
        model.staged_predict_proba(data.X_test), fitted.staged_predict_proba(data.X_test), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.predict(data.X_test), fitted.predict(data.X_test))
    np.testing.assert_array_equal(model.mask_, fitted.mask_)
    pd.testing.assert_frame_equal(model.history_, fitted.history_, check_exact=True)
    for one, other in zip(model.stages_, fitted.stages_, strict=True):
        for name in ("stage", "val_loss", "val_loss_se", "val_roc_auc", "epochs"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("kept", "importances"):
            array, expected = getattr(one, name), getattr(other, name)
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == expected.dtype
    assert (model.engine_, model.is_dna_) == (fitted.engine_, fitted.is_dna_)


def test_sizes_that_went_too_far_are_kept(data, tmp_path):
    classifier = DeepPruneClassifier("auto", n_prunings=5, kernel_length=8, max_iter=2, random_state=0).fit(
        data.X_train, data.y_train
    )
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert [stage.n_kernels for stage in model.rejected_stages_] == [
        stage.n_kernels for stage in classifier.rejected_stages_
    ]
    np.testing.assert_array_equal(model.predict_proba(data.X_test), classifier.predict_proba(data.X_test))


def test_saving_again_gives_the_same_file(content, tmp_path):
    save_model(loaded(content, tmp_path), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content


@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [0.0, 1.0], [np.str_("a"), np.str_("b")]])
def test_classes_of_every_kind(data, labels, tmp_path):
    y = np.array(labels)[data.y_train]
    weights = dict(zip(labels, (1.0, 2.0), strict=True))
    classifier = DeepPruneClassifier(
        1, n_prunings=0, kernel_length=4, max_iter=1, class_weight=weights, random_state=0
    ).fit(data.X_train, y)
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.classes_.dtype == classifier.classes_.dtype
    np.testing.assert_array_equal(model.predict(data.X_test), classifier.predict(data.X_test))
    assert model.class_weight == classifier.class_weight
    model.fit(data.X_train, y)


def test_classes_of_objects(data, tmp_path):
    y = np.array(["no", "yes"], dtype=object)[data.y_train]
    classifier = DeepPruneClassifier(1, n_prunings=0, kernel_length=4, max_iter=1, random_state=0).fit(data.X_train, y)
    save_model(classifier, tmp_path / "model")
    assert load_model(tmp_path / "model").classes_.dtype == classifier.classes_.dtype


def test_columns_of_a_frame(tmp_path, rng):
    frame = pd.DataFrame(rng.normal(size=(40, 6)).round(2), columns=list("abcdef"))
    classifier = DeepPruneClassifier(
        1,
        n_prunings=0,
        kernel_length=2,
        n_channels=1,
        reverse_complement=False,
        engine="tensorflow",
        max_iter=1,
        random_state=0,
    ).fit(frame, np.arange(40) % 2)
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    np.testing.assert_array_equal(model.predict_proba(frame), classifier.predict_proba(frame))
    assert model.feature_names_in_.tolist() == list("abcdef")
    assert model.n_features_in_ == 6


def weight_like(network, scores, y):
    return np.abs(network.dense_weights)


def test_code_is_left_out_with_a_warning(data, tmp_path):
    classifier = DeepPruneClassifier(
        1, n_prunings=1, kernel_length=4, max_iter=1, criterion=weight_like, random_state=np.random.default_rng(0)
    )
    classifier.fit(data.X_train, data.y_train)
    with pytest.warns(UserWarning, match="criterion, random_state"):
        save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert (model.criterion, model.random_state) == ("saliency", None)
    np.testing.assert_array_equal(model.predict_proba(data.X_test), classifier.predict_proba(data.X_test))


def test_unfitted_models_are_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(DeepPruneClassifier(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(fitted, tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        save_model(fitted, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert path.read_bytes() == b"old"


@given(place=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_reported(content, tmp_path_factory, place):
    with pytest.raises(ValueError, match="damaged|not a skdeepprune model file"):
        loaded(content[: int(place * len(content))], tmp_path_factory.mktemp("cut"))


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_reported(content, tmp_path_factory, place, bit):
    flipped = bytearray(content)
    at = int(place * len(content))
    flipped[at] ^= 1 << bit
    with pytest.raises(ValueError, match="damaged|not a skdeepprune model file"):
        loaded(bytes(flipped), tmp_path_factory.mktemp("flipped"))


def test_every_byte_of_the_header_counts(content, tmp_path):
    length = int.from_bytes(content[:8], "little")
    padding = len(content[8 : 8 + length]) - len(content[8 : 8 + length].rstrip())
    for at in range(0, 8 + length - padding, 7):
        flipped = bytearray(content)
        flipped[at] ^= 1
        with pytest.raises(ValueError, match="damaged|not a skdeepprune model file"):
            loaded(bytes(flipped), tmp_path)


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"short",
        b">1 sequence\nACGT\n" * 10,
        pickle.dumps({"a": 1}),
        bytes(range(256)) * 20,
        (2).to_bytes(8, "little") + b"{}",
        (50).to_bytes(8, "little") + b'{"__metadata__":{"format":"pt"}}'.ljust(50),
        (3).to_bytes(8, "little") + b"[1]",
        b"\xff" * 8 + b"{" * 100,
    ],
)
def test_a_foreign_file_is_reported(foreign, tmp_path):
    with pytest.raises(ValueError, match="is not a skdeepprune model file"):
        loaded(foreign, tmp_path)


def repacked(content, folder, arrays=(), **changes):
    """Write the file anew, with a right checksum, with changed arrays, description or version."""
    (folder / "original").write_bytes(content)
    original, description = unpack(folder / "original")
    return pack(original | dict(arrays), json.dumps(description | changes))


def test_a_newer_format_is_reported(content, tmp_path, monkeypatch):
    (tmp_path / "original").write_bytes(content)
    arrays, description = unpack(tmp_path / "original")
    monkeypatch.setattr("skdeepprune._model_layout.FORMAT_VERSION", 2)
    newer = pack(arrays, json.dumps(description))
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"format version 2, but this skdeepprune reads version 1; upgrade"):
        loaded(newer, tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"stages": []}, {"params": {"n_layers": 3}}, {"classes_dtype": "O8"}, {"stages": [{}]}, {"classes_dtype": "V16"}],
)
def test_nonsense_with_a_right_checksum_is_reported(content, tmp_path, changes):
    with pytest.raises(ValueError, match="does not describe a valid classifier"):
        loaded(repacked(content, tmp_path, **changes), tmp_path)


def test_nothing_in_a_file_is_run(content, tmp_path):
    assert b"pickle" not in content
    header, _ = header_of(content)
    assert {entry["dtype"] for name, entry in header.items() if name != "__metadata__"} <= {"F32", "F64", "I64"}


def test_the_layout_is_that_of_safetensors(content, fitted, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    arrays = safetensors.load(content)
    np.testing.assert_array_equal(arrays["stages.1.kernels"], fitted.kernels_)
    assert len(arrays) == 1 + 2 * 6


LABELS = {
    "bool": np.array([False, True]),
    "int8": np.array([1, 7], dtype="i1"),
    "big-endian": np.array([1, 7], dtype=">i4"),
    "half": np.array([0, 1], dtype="f2"),
    "longdouble": np.array([0, 1], dtype=np.longdouble),
    "text": np.array(["no", "yes"]),
    "wide text": np.array(["no", "yes"], dtype="U20"),
    "objects": np.array(["no", "yes"], dtype=object),
    "days": np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]"),
    "seconds": np.array([1, 20], dtype="m8[s]"),
    "categories": pd.Series(["no", "yes"], dtype="category"),
    "pandas' text": pd.Series(["no", "yes"], dtype="string"),
    "pandas' integers": pd.Series([1, 7], dtype="Int64"),
    "pandas' booleans": pd.Series([False, True], dtype="boolean"),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_whatever_labels_fit_takes_are_saved(labels, data, tmp_path):
    y = labels.take(data.y_train)
    classifier = DeepPruneClassifier(1, n_prunings=0, max_iter=1, random_state=0).fit(data.X_train, y)
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.classes_.dtype == classifier.classes_.dtype
    np.testing.assert_array_equal(model.classes_, classifier.classes_)
    np.testing.assert_array_equal(model.predict(data.X_test), classifier.predict(data.X_test))


@pytest.mark.parametrize(
    "params",
    [
        {"n_kernels": np.int64(1), "n_jobs": np.int8(1), "random_state": np.uint32(3)},
        {"reverse_complement": np.bool_(True), "verbose": np.bool_(False), "pooling": np.str_("max")},
        {"dropout": np.longdouble(0.1), "learning_rate_init": np.float32(0.01)},
        {"class_weight": {np.int64(0): np.float64(1), 1: np.float32(2)}},
        {"schedule": range(2, 0, -1)},
        {"schedule": [np.int64(2), np.int32(1)]},
    ],
)
def test_parameters_of_numpys_types_are_saved(params, data, tmp_path):
    params = {"n_kernels": 1, "n_prunings": 0, "max_iter": 1, "random_state": 0} | params
    classifier = DeepPruneClassifier(**params).fit(data.X_train, data.y_train)
    save_model(classifier, tmp_path / "model")
    model = load_model(tmp_path / "model")
    for name, value in params.items():
        assert getattr(model, name) == (list(value) if isinstance(value, range) else value)
    np.testing.assert_array_equal(model.predict_proba(data.X_test), classifier.predict_proba(data.X_test))


def changed(array, value):
    array = array.copy()
    array.flat[0] = value
    return array


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((f"stages.1.{name}", lambda a, v=value: changed(a, v)) for name in ("kernels", "kernel_bias", "dense_weights")
          for value in (np.nan, np.inf)),
        ("stages.1.composition", lambda a: changed(a, np.nan)),
        ("stages.1.composition", lambda a: a[:5]),
        ("stages.1.composition", lambda a: a[:4]),
        ("stages.1.kernels", lambda a: a[:, :3]),
        ("stages.1.kernels", lambda a: a[:, :, :3]),
        ("stages.1.kernels", lambda a: a[:0]),
        ("stages.1.kernels", lambda a: a.astype(np.float64)),
        ("stages.1.kept", lambda a: changed(a, -1)),
        ("stages.1.kept", lambda a: changed(a, 2**40)),
        ("stages.1.kept", lambda a: a * 0),
        ("stages.1.kept", lambda a: a.astype(np.float64)),
        ("stages.1.importances", lambda a: a[:1]),
        ("word_counts", lambda a: a[:1]),
    ],
)  # fmt: skip
def test_impossible_arrays_are_refused(content, tmp_path, name, change):
    (tmp_path / "original").write_bytes(content)
    arrays, _ = unpack(tmp_path / "original")
    with pytest.raises(ValueError, match="does not describe a valid classifier"):
        loaded(repacked(content, tmp_path, {name: change(arrays[name])}), tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": [0, 1, 2]},
        {"classes": [1]},
        {"classes": [1, 1]},
        {"classes": [1, 0]},
        {"classes": [[0], [1]]},
        {"classes": ["0", "1"], "classes_dtype": "<U1000000000"},
        {"classes": ["0", "1"], "classes_dtype": "<M8[1000000000000000000000Y]"},
        {"classes": [0, 10**400]},
        {"classes_dtype": ["O"]},
        {"classes_dtype": ",i8"},
        {"classes_dtype": "i8,i8"},
        {"engine": "other"},
        {"is_dna": 1},
        {"is_dna": "yes"},
        {"reverse_complement": None},
        {"negatives": ["given"]},
        {"n_rejected_stages": -1},
        {"n_rejected_stages": 1.5},
        {"params": {"n_kernels": -1}},
        {"params": {"n_kernels": [[[]]]}},
        {"params": []},
    ],
)  # fmt: skip
def test_impossible_descriptions_are_refused(content, tmp_path, changes):
    with pytest.raises(ValueError, match="does not describe a valid classifier"):
        loaded(repacked(content, tmp_path, **changes), tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("sharpness", -1.0), ("sharpness", 0), ("sharpness", float("nan")), ("sharpness", "2"), ("sharpness", True),
     ("dense_bias", float("inf")), ("dense_bias", None), ("dense_bias", 10**400), ("epochs", [[1]]), ("numbers", {})],
)  # fmt: skip
def test_impossible_stages_are_refused(content, tmp_path, name, value):
    header, _ = header_of(content)
    stages = json.loads(header["__metadata__"]["model"])["stages"]
    stages[1][name] = value
    with pytest.raises(ValueError, match="does not describe a valid classifier"):
        loaded(repacked(content, tmp_path, stages=stages), tmp_path)


def bomb(description="{}", table=(), data=b""):
    """A file with a right checksum over a description and a table of arrays that is not what `pack` writes."""
    metadata = {"format": "skdeepprune", "format_version": "1", "model": description}
    with contextlib.suppress(RecursionError):
        metadata["sha256"] = _digest(metadata, dict(table), data)
    header = json.dumps({"__metadata__": metadata, **dict(table)}).encode()
    return len(header).to_bytes(8, "little") + header + data


def array_of(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


BOMBS = {
    "deep description": bomb("[" * 10**6),
    "very deep description": bomb("[" * 10**5 + "]" * 10**5),
    "many brackets": bomb("[" + "[]," * (2**20 + 5) + "[]]"),
    "deep header": (10**6).to_bytes(8, "little") + b'{"skdeepprune":' + b"[" * 10**6,
    "huge array": bomb("{}", {"a": array_of([2**40], 0, 2**42)}),
    "huge shape of nothing": bomb("{}", {"a": array_of([2**62, 0], 0, 0), "b": array_of([2**63, 2**63], 0, 0)}),
    "negative shape": bomb("{}", {"a": array_of([-1], 0, 4)}, b"0000"),
    "no numbers": bomb("{}", {"a": array_of(["1"], 0, 4)}, b"0000"),
    "one place for many": bomb("{}", {str(i): array_of([2**18], 0, 2**20) for i in range(5000)}, bytes(2**20)),
    "a gap": bomb("{}", {"a": array_of([1], 4, 8)}, b"00000000"),
    "other types": bomb("{}", {"a": array_of([1], 0, 4, "BF16")}, b"0000"),
    "an array that is none": bomb("{}", {"a": [1]}),
    "no description": bomb(None),
    "a description that is none": bomb("3"),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_at_once(content, tmp_path):
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is damaged|does not describe a valid classifier"):
            loaded(content, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 10
    assert peak < 300 * 2**20


def test_a_huge_foreign_file_is_not_read(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="not a skdeepprune model file"):
        load_model(path)
