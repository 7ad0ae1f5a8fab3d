import time

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from sklearn.exceptions import NotFittedError

from skdeepprune import DeepPruneClassifier
from skdeepprune._glyphs import LETTERS, outline, stack_letters
from skdeepprune.datasets import load_planted_motifs
from skdeepprune.motifs import Motif, tomtom
from skdeepprune.plots import plot_logo, plot_match, plot_stages

GREEN, BLUE, ORANGE, RED = "#12924a", "#2f74e0", "#e08a00", "#dc3c3c"


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    return [Motif(f"random_{i}", rng.dirichlet([0.3] * 4, size=10) * 100, n_sites=100) for i in range(30)]


def letters(ax):
    """List the letters that were drawn: (base, left, right, bottom, top), by colour and extent of each outline."""
    (collection,) = [artist for artist in ax.collections if isinstance(artist, PathCollection)]
    base_of = {to_rgba(color): base for base, color in zip(LETTERS, (GREEN, BLUE, ORANGE, RED), strict=True)}
    found = []
    for path, color in zip(collection.get_paths(), collection.get_facecolors(), strict=True):
        base = base_of[tuple(color)]
        n = sum(len(points) or 1 for _, points in outline(base))
        for start in range(0, len(path.vertices), n):
            glyph = path.vertices[start : start + n][path.codes[start : start + n] != path.CLOSEPOLY]
            (left, bottom), (right, top) = glyph.min(axis=0), glyph.max(axis=0)
            found.append((base, left, right, bottom, top))
    return sorted(found, key=lambda letter: (round(letter[1]), letter[3]))


def test_glyphs_fill_the_unit_square():
    for letter in LETTERS:
        points = np.concatenate([points for _, points in outline(letter) if len(points)])
        assert points.min(axis=0).tolist() == [0, 0]
        assert points.max(axis=0).tolist() == [1, 1]


def test_letters_stack_from_zero_with_the_largest_outside():
    stack = stack_letters(np.array([[0.1, 0.4, -0.3, -0.2], [0, 0, 0, 2.0]]))
    boxes = list(zip(stack.letter, stack.position, stack.bottom, stack.height, strict=True))
    expected = [(0, 0, 0, 0.1), (3, 0, 0, -0.2), (2, 0, -0.2, -0.3), (1, 0, 0.1, 0.4), (3, 1, 0, 2)]
    np.testing.assert_allclose(boxes, expected)


@pytest.mark.parametrize("kind", ["bits", "probability"])
def test_the_height_of_a_letter(kind):
    ppm = np.array([[0.5, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4]])
    drawn = letters(plot_logo(ppm, kind=kind))
    bits = [1, 2 + (ppm[1] * np.log2(ppm[1])).sum()] if kind == "bits" else [1, 1]
    assert [base for base, *_ in drawn] == ["A", "C", "A", "C", "G", "T"]
    heights = [top - bottom for *_, bottom, top in drawn]
    np.testing.assert_allclose(heights, [0.5 * bits[0]] * 2 + [p * bits[1] for p in ppm[1]], atol=1e-9)
    for base, left, right, _, _ in drawn[2:]:
        assert 0.5 < left < right < 1.5, base


def test_a_motif_has_its_small_sample_correction():
    counts = np.array([[10, 0, 0, 0]])
    (few,) = letters(plot_logo(Motif("few", counts, n_sites=10)))
    (many,) = letters(plot_logo(counts / 10))
    assert many[4] == pytest.approx(2)
    assert few[4] == pytest.approx(2 - 3 / (2 * np.log(2) * 10))


def test_negative_weights_hang_down_upside_down():
    ax = plot_logo(np.array([[1.0, 0, 0, -2.0]]), kind="weights")
    drawn = letters(ax)
    assert [(base, bottom, top) for base, _, _, bottom, top in drawn] == [("T", -2, 0), ("A", 0, 1)]
    vertices = ax.collections[0].get_paths()[1].vertices  # T: the bar, the widest part, is at the bottom
    assert np.ptp(vertices[vertices[:, 1] < -1.9][:, 0]) == pytest.approx(0.94)
    assert ax.get_ylim()[0] < -2 and ax.get_ylim()[1] > 1


def test_the_other_strand():
    ppm = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0]])
    drawn = letters(plot_logo(ppm, reverse_complement=True, start=5))
    assert [(base, round(left)) for base, left, *_ in drawn] == [("C", 5), ("T", 6)]


def test_colors_of_ones_own():
    (collection,) = plot_logo(np.eye(4), colors={"A": "black"}).collections
    assert [tuple(color) for color in collection.get_facecolors()] == [to_rgba(c) for c in ("black", BLUE, ORANGE, RED)]


@pytest.mark.parametrize(
    ("matrix", "kind", "message"),
    [
        (np.ones((3, 5)), "bits", r"shape \(3, 5\)"),
        (np.ones((0, 4)), "weights", r"shape \(0, 4\)"),
        (np.ones((3, 4)), "bits", "sums from 4 to 4. Divide counts"),
        (np.array([[2.0, -1, 0, 0]]), "probability", "needs probabilities"),
        (np.full((1, 4), np.nan), "weights", "NaN"),
        (np.full((1, 4), 0.25), "entropy", "expected one of 'bits'"),
    ],
)
def test_invalid_matrices_are_refused(matrix, kind, message):
    with pytest.raises(ValueError, match=message):
        plot_logo(matrix, kind=kind)


def test_a_flat_matrix_can_be_drawn():
    for kind in ("bits", "probability", "log-odds"):
        plot_logo(np.full((3, 4), 0.25), kind=kind).get_figure().canvas.draw()
    plot_logo(np.zeros((3, 4)), kind="weights").get_figure().canvas.draw()


@pytest.mark.parametrize("turned", [False, True])
def test_a_match_lies_over_the_motif(known, turned):
    query = Motif("query", known[7].counts[2:9], n_sites=100)
    query = query.reverse_complement() if turned else query
    match = tomtom(query, known, n_nearest=1).iloc[0]
    motif_axes, target_axes = plot_match(match)
    drawn = {(base, round(left)) for base, left, _, bottom, top in letters(motif_axes) if top - bottom > 0.5}
    assert drawn and drawn <= {(base, round(left)) for base, left, *_ in letters(target_axes)}
    assert motif_axes.get_xlim() == target_axes.get_xlim() == (-2.5, 7.5)


@pytest.mark.parametrize("turned", [False, True])
def test_the_kernel_lies_over_the_motif(known, turned):
    motif = known[3]
    kernel = np.vstack([np.zeros((4, 4)), motif.ppm[1:] + 5.0, np.zeros((2, 4))])
    kernel = kernel[::-1, ::-1] if turned else kernel
    match = tomtom(motif, known, n_nearest=1).iloc[0]
    kernel_axes, motif_axes, _ = plot_match(match, kernel=kernel)
    assert kernel_axes.get_xlim()[0] == -3.5  # it begins 3 positions before the motif
    tallest = max(letters(kernel_axes), key=lambda letter: letter[4] - letter[3])
    best = np.unravel_index(motif.ppm[1:].argmax(), (9, 4))
    assert (tallest[0], round(tallest[1])) == (LETTERS[best[1]], best[0] + 1)


def test_given_axes_are_used(known):
    _, axes = plt.subplots(2)
    match = tomtom(known[0], known, n_nearest=1).iloc[0]
    assert plot_match(match, axes=axes) == list(axes)
    assert plot_logo(known[0], ax=axes[0]) is axes[0]


def test_a_hundred_logos_take_seconds():
    ppm = load_planted_motifs()["CTCF"].ppm
    _, ax = plt.subplots()
    plot_logo(ppm, ax=ax)
    start = time.process_time()
    for _ in range(100):
        plot_logo(ppm, ax=ax)
    assert time.process_time() - start < 5


def test_stages_need_a_fit_and_both_x_and_y():
    with pytest.raises(NotFittedError):
        plot_stages(DeepPruneClassifier())
    fitted = DeepPruneClassifier(2, n_prunings=0, kernel_length=4, max_iter=1, random_state=0).fit(
        ["ACGTACGT", "AAAAAAAA", "ACGTTCGA", "AAAAACAA"] * 3, [1, 0] * 6
    )
    with pytest.raises(ValueError, match="Got only X"):
        plot_stages(fitted, ["ACGT"])
    with pytest.raises(ValueError, match="Got only y"):
        plot_stages(fitted, y=[1])
