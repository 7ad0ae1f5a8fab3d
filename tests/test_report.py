import base64
import io
import re
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pages import HOSTILE, Page, browse
from sklearn.base import clone
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from skdeepprune import DeepPruneClassifier
from skdeepprune._engines import scan, word_sums
from skdeepprune.datasets import load_simulated
from skdeepprune.motifs import Motif, extract_motifs, tomtom
from skdeepprune.report import write_report
from skdeepprune.report._cards import _notes, _runs, composition_card, named_match
from skdeepprune.report._composition import group_words, read_composition
from skdeepprune.report._examples import Example, Mark, with_importance
from skdeepprune.report._figures import Match
from skdeepprune.report._kernels import kernel_placement, short_word
from skdeepprune.report._page import _motifs_intro
from skdeepprune.report._performance import GRID, Use, measure
from skdeepprune.report._results import collect
from skdeepprune.report._sequences import Sequences
from skdeepprune.report._svg import label_of, number, ticks
from skdeepprune.sequences import encode

NOTES = {"sequences": f"/{'a_long_path' * 20}/peaks.fa"}


@pytest.fixture(scope="module")
def data():
    return load_simulated(3, n_train=1500, n_test=400, random_state=0)


@pytest.fixture(scope="module")
def fitted(data):
    classifier = DeepPruneClassifier(n_kernels=3, n_prunings=2, kernel_length=10, max_iter=12, random_state=0)
    return classifier.fit(data.X_train, data.y_train)


@pytest.fixture(scope="module")
def known(data):
    rng = np.random.default_rng(0)
    planted = [Motif(motif.name, motif.ppm * 100, n_sites=100, accession="MA1.1") for motif in data.motifs]
    return planted + [Motif(f"other_{i}", rng.dirichlet([0.3] * 4, size=9) * 100, n_sites=100) for i in range(40)]


@pytest.fixture(scope="module")
def html(fitted, data, known, tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), fitted, data, targets=known, notes=NOTES)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def written(folder, classifier, data, *, test=True, **options):
    path = folder / "report.html"
    if test:
        options |= {"X_test": data.X_test, "y_test": data.y_test}
    write_report(classifier, data.X_train, data.y_train, path, **options)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def measured(classifier, data, *, test=True):
    train = Sequences.read(classifier, data.X_train, data.y_train, None, "y")
    other = Sequences.read(classifier, data.X_test, data.y_test, None, "y_test") if test else None
    motifs = extract_motifs(classifier, data.X_train, data.y_train)
    return collect(classifier, train, other, motifs, random_state=0)


def test_nothing_is_loaded_from_anywhere(page, html):
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "poster", "action", "data"):
            if name in attributes:
                assert attributes[name].startswith(("#", "data:")), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    for forbidden in ("http://", "https://", "@import", "url(", "<script", "//cdn"):
        assert forbidden not in html
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_it_is_small(html):
    assert len(html.encode()) < 1_000_000


def test_the_same_input_gives_the_same_page(html, fitted, data, known, tmp_path):
    assert written(tmp_path, fitted, data, targets=known, notes=NOTES) == html


def test_everything_can_be_read_aloud(page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    drawings = [a for a in page.all("svg") if a.get("aria-hidden") != "true"]
    assert len(drawings) > 10
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"]) > 10
    headers = [a for a in page.all("th")]
    assert all(header["scope"] in ("row", "col") for header in headers)
    for region in page.elements:
        if region[1].get("role") == "region":
            assert region[1]["aria-label"] and region[1]["tabindex"] == "0"


def test_references_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in page.elements:
        for name in ("href", "aria-labelledby"):
            if attributes.get(name, "").startswith("#"):
                assert attributes[name][1:] in ids


def test_it_states_the_findings(page, fitted, data):
    auc = roc_auc_score(data.y_test, fitted.predict_proba(data.X_test)[:, 1])
    assert f"Three kernels, AUC {auc:.2f} on held-out sequences; the strongest reads" in page.text
    assert len(page.all("article")) == 3
    for name, value in fitted.get_params().items():
        assert f"{name} {value}" in page.text


def test_it_names_the_motif_of_the_strongest_kernel(fitted, data, known, tmp_path):
    motifs = extract_motifs(fitted, data.X_train, data.y_train)
    same = [replace(motif.reverse_complement(), name=f"known_{motif.kernel}", accession="MA1.1") for motif in motifs]
    strongest = max(measured(fitted, data).kernels, key=lambda reading: abs(reading.contribution)).index
    page = Page(written(tmp_path, fitted, data, targets=same + known))
    assert f"the strongest reads known_{strongest} (MA1.1)." in page.text
    assert "Three motifs of 3 resemble a known one" in page.text


@pytest.mark.parametrize(("e", "correlation", "is_named"), [(1e-9, 0.9, True), (1e-9, 0.4, False), (0.1, 0.9, False)])
def test_a_kernel_is_named_only_after_a_similar_motif(e, correlation, is_named):
    match = Match("CTCF", "MA1.1", e / 800, e, e, correlation, 0, "+", np.full((3, 4), 0.25))
    assert (named_match([match]) is match) == is_named
    assert named_match([]) is None


def test_tables_can_be_taken_along(page, fitted):
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    assert {"history.csv", "stages.csv", "roc.csv", "precision_recall.csv", "kernels.csv", "gc.csv"} <= set(links)
    assert {f"kernel_{k}_{what}.csv" for k in range(3) for what in ("counts", "sites", "matches", "closest")} <= set(
        links
    )

    def content(name):
        return base64.b64decode(links[name].partition(";base64,")[2]).decode()

    history = pd.read_csv(io.StringIO(content("history.csv")))
    pd.testing.assert_frame_equal(history, fitted.history_.round(5))
    assert pd.read_csv(io.StringIO(content("stages.csv")))["kernels"].tolist() == [12, 6, 3]
    assert content("motifs.meme").startswith("MEME version 4")
    for k, kernel in enumerate(fitted.kernels_):
        drawn = pd.read_csv(io.StringIO(content(f"kernel_{k}_weights.csv")))[list("ACGT")].to_numpy()
        assert any(np.abs(drawn - strand).max() < 1e-4 for strand in (kernel, kernel[::-1, ::-1]))


def test_names_with_html_are_shown_and_not_run(fitted, data, tmp_path):
    names = [f"{HOSTILE} {i}" for i in range(400)]
    targets = [Motif(f"<b>bold</b>_{i}", motif.ppm * 50, n_sites=50) for i, motif in enumerate(data.motifs * 15)]
    page = Page(
        written(
            tmp_path,
            fitted,
            data,
            title=HOSTILE,
            names=[f"{HOSTILE} {i}" for i in range(1500)],
            test_names=names,
            notes={HOSTILE: HOSTILE},
            targets=targets,
        )
    )
    assert not page.all("script") and not page.all("img") and not page.all("b")
    assert page.text.count(HOSTILE) > 20
    assert "<b>bold</b>" in page.text


def test_without_known_motifs_and_without_test_sequences(fitted, data, tmp_path):
    page = Page(written(tmp_path, fitted, data, test=False, targets=None))
    assert "on the given sequences; the strongest reads" in page.text
    assert "expect lower performance on others" in page.text
    assert "E-value" not in page.text


def test_one_kernel_trained_directly_that_is_silent(data, tmp_path):
    classifier = DeepPruneClassifier(1, n_prunings=0, kernel_length=6, composition=0, max_iter=1, random_state=0)
    network = classifier.fit(data.X_train, data.y_train).stages_[-1].network
    network.kernel_bias[:] = -100
    with pytest.warns(UserWarning, match="has no site"):
        page = Page(written(tmp_path, classifier, data, targets=None))
    assert "One kernel, AUC 0.50 on held-out sequences; it reads no motif." in page.text
    assert "One kernel" in page.text and "was trained directly" in page.text


def test_sequences_shorter_than_a_kernel_and_with_n(tmp_path):
    rng = np.random.default_rng(0)
    X = ["".join(rng.choice(list("ACGTN"), size=rng.integers(3, 30))) for _ in range(80)]
    y = np.arange(80) % 2
    classifier = DeepPruneClassifier(2, n_prunings=1, kernel_length=12, max_iter=2, random_state=0).fit(X, y)
    write_report(classifier, X, y, tmp_path / "report.html", targets=None)
    assert "3 to 2" in Page((tmp_path / "report.html").read_text()).text


def test_composition_that_separates_is_reported(tmp_path):
    rng = np.random.default_rng(0)
    X = ["".join(rng.choice(list("ACGT"), p=p, size=n)) for p, n in [([0.1, 0.4, 0.4, 0.1], 60), ([0.25] * 4, 40)] * 50]
    y = np.arange(100) % 2 == 0
    classifier = DeepPruneClassifier(1, n_prunings=0, kernel_length=6, max_iter=1, random_state=0).fit(X, y)
    write_report(classifier, X, y, tmp_path / "report.html", X_test=X[:20], y_test=y[:20], targets=None)
    text = Page((tmp_path / "report.html").read_text()).text
    assert "GC content alone separates the classes with AUC 0.9" in text or "AUC 1.00" in text
    assert "Length alone separates the classes with AUC 1.00" in text
    assert "20 of 20 test sequences are also training sequences (on either strand)" in text
    assert re.search(r"on held-out sequences \(GC content alone: (0\.9\d|1\.00)\);", text)


def test_composition_that_does_not_separate_is_not(page):
    assert "alone separates" not in page.text


def test_results_are_those_of_scikit_learn(fitted, data):
    results = measured(fitted, data)
    probability = fitted.predict_proba(data.X_test)[:, 1]
    performance = results.performance
    assert performance.roc_auc.value == pytest.approx(roc_auc_score(data.y_test, probability))
    assert performance.average_precision.value == pytest.approx(average_precision_score(data.y_test, probability))
    fall_out, recall, _ = roc_curve(data.y_test, probability, drop_intermediate=False)
    inner = GRID[5:-1]
    # Between the corner before and the top of the step after.
    lowest = recall[np.searchsorted(fall_out, inner, side="left") - 1]
    following = fall_out[np.searchsorted(fall_out, inner, side="right")]
    highest = recall[np.searchsorted(fall_out, following, side="right") - 1]
    found = performance.roc.value[5:-1]
    assert ((lowest - 1e-9 <= found) & (found <= highest + 1e-9)).all()
    assert np.median(highest - lowest) < 0.02
    staged = [roc_auc_score(data.y_test, p[:, 1]) for p in fitted.staged_predict_proba(data.X_test)]
    np.testing.assert_allclose(results.stage_aucs, staged)
    scores, network, codes = fitted.transform(data.X_test), fitted.stages_[-1].network, encode(data.X_test)
    for k in range(3):
        without = np.delete(scores, k, axis=1) @ np.delete(fitted.coef_[0], k) + word_sums(network, codes)
        drop = performance.roc_auc.value - roc_auc_score(data.y_test, without)
        assert performance.auc_drops[k].value == pytest.approx(drop, abs=5e-5)
    assert [performance.auc_drops[r.index].value for r in results.kernels] == sorted(
        (drop.value for drop in performance.auc_drops), reverse=True
    )
    for reading in results.kernels:
        score = scores[:, reading.index]
        gap = score[data.y_test == 1].mean() - score[data.y_test == 0].mean()
        assert reading.contribution == pytest.approx(reading.weight * gap)
        assert reading.bound_scores.sum() == pytest.approx(1)
        assert reading.bound_positions.sum() == pytest.approx(reading.bound_share)


@pytest.mark.parametrize(("recall", "prevalence"), [(0.5, 0.01), (0.33, 0.2), (1.0, 0.001)])
def test_precision_at_a_prevalence_is_that_of_weighted_sequences(fitted, data, recall, prevalence):
    scores, network = fitted.transform(data.X_test), fitted.stages_[-1].network
    rows = np.flatnonzero((data.y_test == 0) | (np.arange(len(scores)) % 3 == 0))
    bound = data.y_test[rows] == 1
    scores = np.round(scores[rows], 1)  # with ties
    zeros = np.zeros(len(rows))
    found = measure(network, scores, zeros, bound, random_state=0, n_bootstraps=20, use=Use(recall, prevalence))
    decision = network.decision(scores, zeros)
    weights = np.where(bound, prevalence / bound.sum(), (1 - prevalence) / (~bound).sum())
    average = average_precision_score(bound, decision, sample_weight=weights)
    assert found.average_precision_in_use.value == pytest.approx(average)
    threshold = np.sort(decision[bound])[::-1][int(np.ceil(recall * bound.sum() - 1e-9)) - 1]
    called = decision >= threshold
    assert found.precision_in_use.value == pytest.approx(weights[called & bound].sum() / weights[called].sum())
    for estimate in (found.precision_in_use, found.average_precision_in_use):
        assert 0 <= estimate.low <= estimate.high <= 1


@pytest.mark.parametrize("wrong", [{"recall": 0}, {"prevalence": 0}, {"prevalence": 1}, {"recall": 2}])
def test_a_use_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a recall above 0"):
        Use(**wrong)


def test_motifs_that_resemble_none_are_counted(fitted, data):
    results = measured(fitted, data)
    assert "No motif of 3 resembles a known one" in _motifs_intro(results, {k: () for k in range(3)}, 3)


def test_the_area_under_the_drawn_curve_is_the_auc(fitted, rng):
    network = fitted.stages_[-1].network
    for _ in range(20):
        bound, scores = np.arange(20) < 10, rng.normal(size=(20, network.n_kernels))
        found = measure(network, scores, np.zeros(len(scores)), bound, random_state=0, n_bootstraps=2)
        assert np.trapezoid(found.roc.value, GRID) == pytest.approx(found.roc_auc.value, abs=0.02)


def test_intervals_cover_other_samples(fitted):
    """Of 20 other test sets, most have an AUC within the interval of the first."""
    first, *others = [load_simulated(3, n_train=2, n_test=400, random_state=seed) for seed in range(1, 22)]
    scores, words = fitted.transform(first.X_test), word_sums(fitted.stages_[-1].network, encode(first.X_test))
    found = measure(fitted.stages_[-1].network, scores, words, first.y_test == 1, random_state=0)
    assert found.roc_auc.low < found.roc_auc.value < found.roc_auc.high
    assert (found.roc.low <= found.roc.value + 1e-12).all() and (found.roc.value <= found.roc.high + 1e-12).all()
    aucs = [roc_auc_score(data.y_test, fitted.predict_proba(data.X_test)[:, 1]) for data in others]
    spread = found.roc_auc.high - found.roc_auc.low
    assert 0.4 < spread / (4 * np.std(aucs)) < 2.5


def test_the_bootstrap_has_a_seed(fitted, data):
    scores, bound, network = fitted.transform(data.X_test), data.y_test == 1, fitted.stages_[-1].network
    one, again, other = (
        measure(network, scores, np.zeros(len(scores)), bound, random_state=seed).roc_auc for seed in (0, 0, 1)
    )
    assert one == again
    assert one != other


@pytest.mark.parametrize("turned", [False, True])
def test_where_a_kernel_lies_in_its_motif(fitted, data, turned):
    found = scan(fitted.stages_[-1].network, encode(data.X_train))
    for motif in extract_motifs(fitted, data.X_train, data.y_train, flank=3, trim=None):
        motif = motif.window(1, motif.width)
        expected = (2, False)
        if turned:
            motif, expected = motif.reverse_complement(), (3, True)
        assert kernel_placement(motif, found, motif.kernel, 10) == expected


@pytest.mark.parametrize("word", ["TAT", "TATAAA", "GGGCGG"])
@pytest.mark.parametrize("start", [0, 4, 9])
def test_a_kernel_that_reads_a_short_word(rng, word, start):
    kernel = rng.normal(scale=0.1, size=(15, 4)).astype(np.float32)
    kernel[np.arange(start, start + len(word)), ["ACGT".index(letter) for letter in word]] += 2
    assert short_word(kernel) == word
    kernel[[(start + 7) % 15, (start + 8) % 15], 0] += 2
    assert short_word(kernel) is None
    assert short_word(np.zeros((15, 4), np.float32)) is None


def test_a_kernel_that_reads_a_frequent_short_word_is_said_to(fitted, data, tmp_path):
    network = fitted.stages_[-1].network
    kernels = np.zeros_like(network.kernels)
    kernels[:, [3, 4, 5], [3, 0, 3]] = 2.0
    classifier = copy(fitted)
    stage = replace(fitted.stages_[-1], network=replace(network, kernels=kernels))
    classifier.stages_ = [*fitted.stages_[:-1], stage]
    assert "This kernel reads little more than TAT" in Page(written(tmp_path, classifier, data, targets=None)).text


@pytest.mark.parametrize(("unbound_share", "said"), [(0.49, False), (0.5, True), (1.0, True)])
def test_a_kernel_with_sites_in_most_unbound_sequences_has_a_note(fitted, data, unbound_share, said):
    reading = replace(measured(fitted, data).kernels[0], unbound_share=unbound_share)
    assert any("reads sequence composition" in note for note in _notes(reading, [])) is said


def test_kernels_of_whole_motifs_do_not_count_as_short_words(page):
    assert "reads little more than" not in page.text


def test_examples_are_cut_at_their_sites():
    marks = (Mark(2, 3, 6, "+", 2.0), Mark(0, 5, 9, "-", -1.0))
    runs = _runs(Example("bound", "name", "AAACCCGGGT", 0.9, marks))
    assert [(run["letters"], run["kernel"], run.get("label")) for run in runs] == [
        ("AAA", None, None),
        ("CCC", 2, "2+"),
        ("GGG", 0, "0\N{MINUS SIGN}"),
        ("T", None, None),
    ]
    assert runs[2]["title"].startswith("6 to 9 bp, ")
    assert runs[2]["title"].endswith(", which adds \N{MINUS SIGN}1.00 to the log-odds")


def test_examples_show_whole_sequences(fitted, data):
    results = measured(fitted, data)
    kinds = [example.kind for example in results.examples]
    assert kinds == ["bound"] * 6 + ["unlikely"] * 3 + ["false"] * 3
    for example in results.examples:
        assert "".join(run["letters"] for run in _runs(example)) == example.letters
        assert example.letters == data.X_test[int(example.name.removeprefix("sequence_"))]


def test_examples_show_the_contribution_of_each_base(fitted, data, page):
    examples = measured(fitted, data).examples
    example = examples[0]
    others = [
        example.letters[:i] + letter + example.letters[i + 1 :]
        for i in range(len(example.letters))
        for letter in "ACGT"
    ]
    log_odds = fitted.decision_function(others).reshape(-1, 4)
    expected = fitted.decision_function([example.letters])[0] - log_odds.mean(axis=1)
    np.testing.assert_allclose(example.importance, expected, atol=1e-5)
    drawn = [a for a in page.all("svg") if "contributes to the log-odds" in a.get("aria-label", "")]
    assert len(drawn) == len(examples)


def test_long_examples_are_not_drawn(fitted, data):
    example = measured(fitted, data).examples[0]
    long = replace(example, letters="ACGTA" * 51, importance=None)
    assert [e.importance is None for e in with_importance(fitted, [example, long])] == [False, True]
    assert with_importance(fitted, [long]) == [long]


def test_strands_in_examples_are_those_of_the_motifs_as_shown(fitted, data):
    motifs = extract_motifs(fitted, data.X_train, data.y_train)
    motifs = [motifs[0].reverse_complement(), *motifs[1:]]
    parts = [
        Sequences.read(fitted, X, y, None, "y") for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test))
    ]
    results = collect(fitted, *parts, motifs, random_state=0)
    kernels = {reading.index: reading.kernel for reading in results.kernels}
    best = replace(fitted.stages_[-1].network, sharpness=np.inf).scan(parts[1].codes.parts[0][1]).pooled
    strands = set()
    for example in results.examples:
        row = int(example.name.removeprefix("sequence_"))
        for mark in example.marks:
            site = encode([example.letters[mark.start : mark.stop]])[0]
            read = site if mark.strand == "+" else 3 - site[::-1]
            activation = kernels[mark.kernel][np.arange(10), read].sum() + fitted.kernel_bias_[mark.kernel]
            assert activation == pytest.approx(best[row, mark.kernel], abs=1e-4)
            strands.add((mark.kernel, mark.strand))
    assert {(0, "+"), (0, "-")} <= strands


def test_matches_of_tomtom_can_be_given(fitted, data, known, html, tmp_path):
    motifs = extract_motifs(fitted, data.X_train, data.y_train)
    assert written(tmp_path, fitted, data, motifs=motifs, targets=tomtom(motifs, known), notes=NOTES) == html


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_test": None}, "both X_test and y_test"),
        ({"y_test": np.zeros(400)}, r"y_test has classes \[0.0\]; expected sequences of both"),
        ({"y_test": np.arange(400) % 3}, r"y_test has classes \[0, 1, 2\]"),
        ({"test_names": ["one"]}, "inconsistent numbers"),
    ],
)
def test_inconsistent_options_are_refused(fitted, data, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write_report(
            fitted,
            data.X_train,
            data.y_train,
            tmp_path / "report.html",
            **({"X_test": data.X_test, "y_test": data.y_test, "targets": None} | change),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_of_channels_is_refused(fitted, data, tmp_path):
    classifier = copy(fitted)
    classifier.is_dna_ = False
    with pytest.raises(ValueError, match="expected one fitted on DNA"):
        write_report(classifier, data.X_test, data.y_test, tmp_path / "report.html")


def test_a_failed_report_leaves_the_old_one(fitted, data, tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("old")

    def fill_the_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        write_report(fitted, data.X_train, data.y_train, tmp_path / "report.html", targets=None)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.91, 0.93, [0.91, 0.915, 0.92, 0.925, 0.93]),
        (-3, 3, [-2, 0, 2]),
        (1, 1, [1]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)
    assert all(str(tick) != "-0.0" for tick in ticks(low, high))


def test_numbers_are_short():
    assert [number(value) for value in (1 / 3, -0.001, 100.0, 2.5)] == ["0.33", "0", "100", "2.5"]
    assert [label_of(value) for value in (0.0, -2.5, 1e-5, 1234.0)] == ["0", "\N{MINUS SIGN}2.5", "1.0e-05", "1234"]


def test_a_browser_shows_it_without_complaint(chromium, html, tmp_path):
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    for scheme, width in ((0, 1280), (1, 500)):
        picture = tmp_path / f"{scheme}.png"
        run = browse(
            chromium,
            tmp_path,
            f"file://{tmp_path}/report.html",
            f"--screenshot={picture}",
            f"--window-size={width},900",
            f"--blink-settings=preferredColorScheme={scheme}",
        )
        # The browser logs what breaks the page's own rule that nothing may be loaded, and every error of a script.
        assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
        import matplotlib.image

        pixels = matplotlib.image.imread(picture)[..., :3]
        paper = pixels[5, 5]
        assert (paper < 0.2).all() if scheme == 0 else (paper > 0.9).all()
        assert 0.01 < (np.abs(pixels - paper).max(axis=2) > 0.3).mean() < 0.5


def test_a_browser_runs_nothing_in_it(chromium, fitted, data, tmp_path):
    html = written(tmp_path, fitted, data, title=HOSTILE, test_names=[HOSTILE] * 400, targets=None)
    run = browse(chromium, tmp_path, f"file://{tmp_path}/report.html", "--dump-dom")
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    assert "<title>run</title>" not in run.stdout
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_never_wider_than_the_window(chromium, html, tmp_path, width):
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f"""<iframe src="report.html" style="width: {width}px; height: 900px; border: 0"></iframe><p></p><script>
        onload = () => {{
            const page = document.querySelector("iframe").contentDocument.documentElement;
            document.querySelector("p").textContent = "wide: " + page.scrollWidth;
        }}</script>"""
    )
    run = browse(chromium, tmp_path, f"file://{tmp_path}/frame.html", "--allow-file-access-from-files", "--dump-dom")
    assert f"wide: {width}<" in run.stdout


def test_composition_is_measured_beside_the_kernels(fitted, data):
    reading = measured(fitted, data).composition
    network, codes = fitted.stages_[-1].network, encode(data.X_test)
    words, by_kernels = network.word_sum(codes), network.decision(network.scores(codes))
    assert reading.words_auc == pytest.approx(roc_auc_score(data.y_test, words), abs=1e-4)
    assert reading.kernels_auc == pytest.approx(roc_auc_score(data.y_test, by_kernels), abs=1e-4)
    assert reading.auc == pytest.approx(roc_auc_score(data.y_test, words + by_kernels), abs=1e-4)
    bound = data.y_test == 1
    for part, log_odds in ("composition", words), ("kernels", by_kernels):
        assert reading.means[part] == pytest.approx((log_odds[bound].mean(), log_odds[~bound].mean()), abs=1e-4)
    assert reading.bound_sums.sum() == pytest.approx(1) and reading.unbound_sums.sum() == pytest.approx(1)
    shown = [word for group in reading.favoured for word in group.words]
    assert sorted(shown) == sorted(fitted.composition_["word"].head(len(shown)))
    assert all(group.weight > 0 for group in reading.favoured)
    assert all(group.weight < 0 for group in reading.disfavoured)


def test_histogram_of_word_sums_holds_every_sequence(fitted):
    rng = np.random.default_rng(0)
    bound = np.arange(50) % 2 == 0
    # The highest edge must not round to below the highest sum, nor bins vanish where all sums are alike.
    for word_sums_given in [*rng.normal(size=(40, 50)), np.full(50, 1e6), np.zeros(50)]:
        reading = read_composition(fitted, np.zeros((50, fitted.stages_[-1].n_kernels)), word_sums_given, bound)
        assert reading.bound_sums.sum() == pytest.approx(1) and reading.unbound_sums.sum() == pytest.approx(1)
        assert (np.diff(reading.edges) > 0).all()


@pytest.mark.parametrize(
    ("words_auc", "auc", "expected"),
    [(0.66, 0.665, True), (0.66, 0.675, False), (0.65, 0.65, False), (0.9, 0.88, True)],
)
def test_composition_explains_nearly_all_only_where_kernels_add_nothing(fitted, data, words_auc, auc, expected):
    reading = replace(measured(fitted, data).composition, words_auc=words_auc, auc=auc)
    assert reading.explains_nearly_all is expected


def test_no_word_is_said_to_be_none(fitted, data):
    reading = replace(measured(fitted, data).composition, favoured=[])
    assert composition_card(reading)["favoured"] == "no word"
    assert composition_card(reading)["disfavoured"] != "no word"


def test_words_are_laid_over_each_other():
    weights = {"TATAA": 3.0, "GGCCG": 2.0, "ATAAA": 1.5, "TTTTA": 1.0}
    alone = group_words(weights, both_strands=False)
    assert [(group.letters, group.words) for group in alone] == [
        ("TATAAA", ("TATAA", "ATAAA")),
        ("GGCCG", ("GGCCG",)),
        ("TTTTA", ("TTTTA",)),
    ]
    # The reverse complement of TTTTA is TAAAA.
    assert group_words(weights, both_strands=True)[0].letters == "TATAAAA"
    assert group_words({"A": 1.0, "C": 0.5}, both_strands=True)[1].letters == "C"


def test_composition_has_a_card_and_a_network_without_it_has_none(fitted, data, tmp_path):
    page = Page(written(tmp_path, fitted, data, targets=None))
    assert "AUC alone" in page.text and "composition.csv" in page.text
    said = r"Mean log-odds from composition: \S+ in bound and \S+ in unbound sequences; from kernels and intercept: "
    assert re.search(said, page.text)
    classifier = clone(fitted).set_params(composition=0, max_iter=2)
    page = Page(written(tmp_path, classifier.fit(data.X_train, data.y_train), data, targets=None))
    assert "AUC alone" not in page.text


def test_composition_that_explains_less_is_not_reported(data, tmp_path):
    classifier = DeepPruneClassifier(n_kernels=4, random_state=0).fit(data.X_train, data.y_train)
    reading = measured(classifier, data).composition
    assert reading.auc - reading.words_auc > 0.1
    page = Page(written(tmp_path, classifier, data, targets=None))
    assert "AUC alone" in page.text and "Composition alone has AUC" not in page.text


def test_composition_that_explains_nearly_all_is_reported(tmp_path):
    rng = np.random.default_rng(0)
    X = ["".join(rng.choice(list("ACGT"), p=p, size=60)) for p in ([0.15, 0.35, 0.35, 0.15], [0.25] * 4) * 400]
    y = np.arange(800) % 2 == 0
    classifier = DeepPruneClassifier(1, n_prunings=0, kernel_length=6, max_iter=20, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="has no site"):
        write_report(classifier, X, y, tmp_path / "report.html", targets=None)
    assert "Composition alone has AUC" in Page((tmp_path / "report.html").read_text()).text
