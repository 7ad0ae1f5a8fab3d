import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from Bio import motifs as bio_motifs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdeepprune import DeepPruneClassifier
from skdeepprune.datasets import load_planted_motifs, make_motif_sequences
from skdeepprune.motifs import Motif, Site, best_alignment, extract_motifs
from skdeepprune.motifs._extract import note_copies
from skdeepprune.sequences import encode, reverse_complement

COUNTS = st.integers(1, 12).flatmap(lambda width: arrays(np.float64, (width, 4), elements=st.integers(0, 50)))
BACKGROUND = (0.3, 0.2, 0.2, 0.3)


def motif_of(letters: list[str], **fields) -> Motif:
    """Count strings of equal length by hand."""
    counts = [[sum(text[i] == base for text in letters) for base in "ACGT"] for i in range(len(letters[0]))]
    sites = [Site(i, f"s{i}", 10 * i, "+-"[i % 2], 1.0, text) for i, text in enumerate(letters)]
    return Motif("m", counts, len(letters), sites, **fields)


class TestMotif:
    def test_information_content_by_hand(self):
        motif = Motif("m", [[10, 0, 0, 0], [5, 5, 0, 0], [0, 0, 0, 0]], 10, background=(0.25,) * 4)
        correction = 3 / (2 * np.log(2) * 10)
        np.testing.assert_allclose(motif.information_content, [2 - correction, 1 - correction, 0])
        assert motif.total_information == pytest.approx(3 - 2 * correction)

    def test_the_correction_takes_chance_off(self, rng):
        # What n letters drawn from the background show on average, against any background.
        draws = rng.multinomial(50, BACKGROUND, size=4000)
        frequencies = draws / 50
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = np.nansum(frequencies * np.log2(frequencies / BACKGROUND), axis=1).mean()
        assert raw == pytest.approx(3 / (2 * np.log(2) * 50), rel=0.05)

    def test_pwm_by_hand(self):
        motif = Motif("m", [[8, 0, 0, 2]], 10, background=BACKGROUND)
        expected = np.log2([8.3 / 11 / 0.3, 0.2 / 11 / 0.2, 0.2 / 11 / 0.2, 2.3 / 11 / 0.3])
        np.testing.assert_allclose(motif.pwm()[0], expected)
        assert motif.pwm(0)[0, 1] == -np.inf
        with pytest.raises(ValueError, match="pseudocount=-1"):
            motif.pwm(-1)

    @given(COUNTS)
    def test_consensus_agrees_with_biopython(self, counts):
        # Biopython has three letters where the fourth base is absent and no two make up three quarters, as here.
        counts = counts + np.eye(4)[np.zeros(len(counts), dtype=int)]
        peer = bio_motifs.Motif(counts=dict(zip("ACGT", counts.T.tolist(), strict=True)))
        assert Motif("m", counts, 1).consensus == str(peer.degenerate_consensus)

    @given(COUNTS)
    def test_properties_derived_from_counts(self, counts):
        motif = Motif("m", counts, counts.sum(), background=BACKGROUND)
        np.testing.assert_allclose(motif.ppm.sum(axis=1), 1)
        assert (motif.information_content >= 0).all()
        np.testing.assert_allclose(motif.letter_heights().sum(axis=1), motif.information_content)
        turned = motif.reverse_complement()
        assert turned.reverse_complement() == motif
        assert turned.consensus == reverse_complement(motif.consensus)
        np.testing.assert_allclose(turned.information_content, motif.information_content[::-1])
        assert motif.trim(0) == motif

    def test_trim_cuts_the_sites_too(self):
        motif = motif_of(["AGATTC", "CCATTG", "GTATTA", "TAATTT"] * 5)
        trimmed = motif.trim(0.25)
        assert trimmed.consensus == "ATT"
        assert {site.letters for site in trimmed.sites} == {"ATT"}
        assert [site.position for site in trimmed.sites[:2]] == [2, 10 + 1]
        assert trimmed.reverse_complement() == motif.reverse_complement().trim(0.25)

    def test_a_motif_without_information_stays_whole(self):
        motif = Motif("m", np.full((5, 4), 10), 40)
        assert motif.trim() == motif

    def test_equality_is_by_value(self):
        one, other = motif_of(["ACG", "ACT"]), motif_of(["ACG", "ACT"])
        assert one == other and hash(one) == hash(other)
        assert one != motif_of(["ACG", "ACG"])
        assert one != motif_of(["ACG", "ACT"], weight=1.0)
        assert one != "m"

    def test_sign(self):
        assert [motif_of(["A"], weight=w).sign for w in (0.5, -0.5, float("nan"))] == ["binding", "repelling", ""]

    def test_counts_are_a_copy_that_cannot_change(self):
        counts = np.ones((2, 4))
        motif = Motif("m", counts, 4)
        counts[0, 0] = 9
        assert motif.counts[0, 0] == 1
        with pytest.raises(ValueError, match="read-only"):
            motif.counts[0, 0] = 2

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"name": " "}, "name=' '"),
            ({"counts": np.ones((4, 5))}, r"shape \(4, 5\); expected \(width, 4\)"),
            ({"counts": [[1, 2, 3, -1]]}, "negative or infinite"),
            ({"counts": [[1, 2, 3, np.nan]]}, "negative or infinite"),
            ({"n_sites": -1}, "n_sites=-1"),
            ({"background": (0.5, 0.5, 0, 0)}, "background"),
            ({"sites": [Site(7, "s", 0, "+", 1.0, "ACG")]}, "sequence 7 has 3 letters: 'ACG'"),
        ],
    )
    def test_impossible_motifs(self, fields, message):
        with pytest.raises(ValueError, match=message):
            Motif(**({"name": "m", "counts": np.ones((2, 4)), "n_sites": 4} | fields))

    def test_a_site_has_a_strand(self):
        with pytest.raises(ValueError, match="strand='x'"):
            Site(0, "s", 0, "x", 1.0, "A")

    def test_unknown_heights(self):
        with pytest.raises(ValueError, match="kind='nats'"):
            motif_of(["ACG"]).letter_heights("nats")


class TestAlignment:
    @given(st.integers(0, 6), st.booleans())
    def test_finds_a_shift(self, shift, reverse):
        motif = load_planted_motifs()["PAX6"]
        long = Motif("long", np.concatenate([np.full((6, 4), 25), motif.ppm * 100, np.full((6, 4), 25)]), 100)
        query = long.window(shift, shift + 14)
        found = best_alignment(query.reverse_complement() if reverse else query, long)
        assert (found.shift, found.reverse) == (shift, reverse)
        # What was cut off is missing from the correlation.
        inside = (query.ppm - 0.25) ** 2
        assert found.correlation == pytest.approx(np.sqrt(inside.sum() / ((long.ppm - 0.25) ** 2).sum()))

    def test_one_strand(self):
        motif = Motif("m", load_planted_motifs()["PAX6"].ppm, 1)
        turned = motif.reverse_complement()
        assert best_alignment(turned, motif, both_strands=False).correlation < 0.9
        assert best_alignment(turned, motif) == pytest.approx((1, 0, True))

    def test_no_information(self):
        flat = Motif("m", np.ones((3, 4)), 4)
        assert best_alignment(flat, flat).correlation == 0


def fitted(X, y, kernels, bias, weights, *, reverse):
    """Fit a classifier of the right size and replace its network by one made by hand."""
    classifier = DeepPruneClassifier(
        n_kernels=len(kernels),
        n_prunings=0,
        kernel_length=kernels.shape[1],
        reverse_complement=reverse,
        max_iter=1,
        random_state=0,
    ).fit(X, y)
    stage = classifier.stages_[-1]
    network = stage.network
    for name, values in (("kernels", kernels), ("kernel_bias", bias), ("dense_weights", weights)):
        object.__setattr__(network, name, np.asarray(values, dtype=np.float32))
    return classifier


def kernel_for(text: str) -> np.ndarray:
    """One point for every letter that fits."""
    return np.eye(4)[encode([text])[0]]


@pytest.fixture
def planted(rng):
    """Random sequences; the first half holds TGACGTTA somewhere, every other time on the other strand."""
    X = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(60)]
    at = rng.integers(0, 33, 30)
    for i in range(30):
        word = "TGACGTTA" if i % 2 else reverse_complement("TGACGTTA")
        X[i] = X[i][: at[i]] + word + X[i][at[i] + 8 :]
    return X, np.repeat([1, 0], 30), at


class TestExtraction:
    def test_sites_are_where_the_kernel_fires(self, planted):
        X, y, at = planted
        # 7.5 points are needed: all eight letters.
        classifier = fitted(X, y, kernel_for("TGACGTTA")[None], [-7.5], [1.0], reverse=True)
        (motif,) = extract_motifs(classifier, X, y, flank=0, trim=None)
        assert motif.consensus == "TGACGTTA" and motif.n_sites == 30
        assert {site.letters for site in motif.sites} == {"TGACGTTA"}
        assert sorted((s.sequence, s.position, s.strand) for s in motif.sites) == [
            (i, at[i], "+" if i % 2 else "-") for i in range(30)
        ]
        assert {site.score for site in motif.sites} == {0.5}
        assert (motif.kernel, motif.weight, motif.sign) == (0, 1.0, "binding")

    def test_counts_equal_a_loop_over_the_windows(self, planted):
        X, y, _ = planted
        kernel = np.random.default_rng(1).normal(size=(1, 6, 4))
        classifier = fitted(X, y, kernel, [0.0], [1.0], reverse=True)
        (motif,) = extract_motifs(classifier, X, y, threshold=0.85, flank=0, trim=None)
        best = {}
        for i in np.flatnonzero(y == 1):
            windows = [(strand, j) for strand in "+-" for j in range(35)]
            text = {(s, j): X[i][j : j + 6] if s == "+" else reverse_complement(X[i][j : j + 6]) for s, j in windows}
            scores = {key: float((kernel[0] * np.eye(4)[encode([t])[0]]).sum()) for key, t in text.items()}
            key = max(scores, key=scores.get)
            best[i] = (scores[key], text[key])
        limit = 0.85 * max(score for score, _ in best.values())
        chosen = [text for score, text in best.values() if score >= limit]
        expected = [[sum(t[i] == base for t in chosen) for base in "ACGT"] for i in range(6)]
        assert motif.n_sites == len(chosen) < 30
        np.testing.assert_array_equal(motif.counts, expected)
        assert motif.threshold == pytest.approx(limit, rel=1e-5)

    def test_flanks_restore_the_ends_beyond_the_kernel(self, planted):
        X, y, _ = planted
        classifier = fitted(X, y, kernel_for("ACGTTA")[None], [-5.5], [1.0], reverse=True)
        (cut,) = extract_motifs(classifier, X, y, flank=0)
        (whole,) = extract_motifs(classifier, X, y, flank=4)
        assert (cut.consensus, whole.consensus) == ("ACGTTA", "TGACGTTA")

    def test_letters_beyond_the_end_are_the_background(self):
        X, y = ["ACGTA", "ACGTANNC", "GGGGGGGG", "TTTTTTTT"] * 3, [1, 1, 0, 0] * 3
        classifier = fitted(X, y, kernel_for("ACGT")[None], [-3.5], [1.0], reverse=False)
        (motif,) = extract_motifs(classifier, X, y, flank=2, trim=None, background=BACKGROUND)
        np.testing.assert_allclose(motif.counts.sum(axis=1), 6)
        np.testing.assert_allclose(motif.counts[0], 6 * np.array(BACKGROUND))
        np.testing.assert_allclose(motif.counts[6], [6, 0, 0, 0])
        assert motif.sites[0].letters == "NNACGTAN" and motif.sites[0].position == -2

    def test_a_repelling_kernel_is_read_from_unbound_sequences(self, planted):
        X, y, _ = planted
        classifier = fitted(X, 1 - y, kernel_for("TGACGTTA")[None], [-7.5], [-2.0], reverse=True)
        (motif,) = extract_motifs(classifier, X, 1 - y)
        assert motif.sign == "repelling"
        assert {site.sequence for site in motif.sites} <= set(range(30))
        # Without classes, from all.
        (motif,) = extract_motifs(classifier, X)
        assert motif.n_sites == 30

    def test_copies_are_said(self, planted):
        X, y, _ = planted
        words = ["TGACGTTA", "GACGTTAA", reverse_complement("TGACGTTA"), "CCCCCCCC"]
        kernels = np.stack([kernel_for(word) for word in words])
        kernels[1, 7] = 0.25  # The same motif, one position further left.
        classifier = fitted(X, y, kernels, [-7.5, -6.5, -7.5, -4.5], np.ones(4), reverse=True)
        notes = [motif.notes for motif in extract_motifs(classifier, X, y, trim=None)]
        assert notes[0] == () and notes[3] == ()
        assert notes[1][0].startswith("copy of kernel_0, shifted by +1")
        assert notes[2][0].startswith("copy of kernel_0, on the other strand")

    def test_rotations_are_said(self, planted):
        X, y, _ = planted
        for rotated, strand in (("GTTATGAC", ""), (reverse_complement("GTTATGAC"), ", on the other strand")):
            kernels = np.stack([kernel_for(word) for word in ("TGACGTTA", "CACACCCC", rotated)])
            classifier = fitted(X, y, kernels, [-7.5, -3.5, -3.5], np.ones(3), reverse=True)
            notes = [motif.notes for motif in extract_motifs(classifier, X, y, trim=None)]
            assert notes[0] == () and notes[1] == ()
            assert notes[2] == (f"circularly shifted by +4 from kernel_0{strand} (kernels' correlation 1.00)",)

    def test_copies_are_said_of_the_motifs_as_they_are_shown(self, planted):
        X, y, _ = planted
        kernels = np.stack([kernel_for("TGACGTTA"), kernel_for(reverse_complement("TGACGTTA"))])
        found = extract_motifs(fitted(X, y, kernels, [-7.5, -7.5], np.ones(2), reverse=True), X, y)
        assert "on the other strand" in found[1].notes[0]
        (noted,) = note_copies([found[0], found[1].reverse_complement()])[1].notes
        assert noted.startswith("copy of kernel_0 (correlation")

    def test_names_are_taken_in_their_order(self, planted):
        X, y, _ = planted
        classifier = fitted(X, y, kernel_for("TGACGTTA")[None], [-7.5], [1.0], reverse=True)
        names = pd.Series([f"peak_{i}" for i in range(len(X))], index=np.arange(len(X))[::-1])
        (motif,) = extract_motifs(classifier, X, y, names=names)
        assert all(site.name == f"peak_{site.sequence}" for site in motif.sites)

    def test_a_dead_kernel_is_left_out_and_named(self, planted):
        X, y, _ = planted
        kernels = np.stack([kernel_for("TGACGTTA"), kernel_for("TGACGTTA")])
        classifier = fitted(X, y, kernels, [-9.0, -7.5], [1.0, 1.0], reverse=True)
        with pytest.warns(UserWarning, match="kernel_0 has no site"):
            motifs = extract_motifs(classifier, X, y)
        assert [motif.name for motif in motifs] == ["kernel_1"]

    def test_the_network_finds_planted_motifs(self):
        motif = load_planted_motifs()["PAX6"]
        data = make_motif_sequences([motif], 3000, random_state=0)
        classifier = DeepPruneClassifier(n_kernels=2, n_prunings=4, reverse_complement=False, random_state=0)
        found = extract_motifs(classifier.fit(data.X, data.y), data.X, data.y)
        truth = Motif("PAX6", motif.ppm * 100, 100)
        assert max(best_alignment(one, truth, both_strands=False).correlation for one in found) > 0.95

    def test_names_and_one_hot(self, planted):
        X, y, _ = planted
        classifier = fitted(X, y, kernel_for("TGACGTTA")[None], [-7.5], [1.0], reverse=True)
        names = [f"chr1:{i}" for i in range(60)]
        (motif,) = extract_motifs(classifier, X, y, names=names)
        assert all(site.name == names[site.sequence] for site in motif.sites)
        (again,) = extract_motifs(classifier, np.eye(5)[encode(X)][:, :, :4], y, names=names)
        assert again == motif

    def test_channels_beyond_dna(self, planted, rng):
        X, y, _ = planted
        classifier = fitted(X, y, kernel_for("TGACGTTA")[None], [-7.5], [1.0], reverse=True)
        (expected,) = extract_motifs(classifier, X, y)
        # The same network with a track that it does not look at.
        network = classifier.stages_[-1].network
        object.__setattr__(network, "kernels", np.concatenate([network.kernels, np.zeros((1, 8, 1))], axis=2))
        classifier.set_params(n_channels=5).is_dna_ = False
        track = np.dstack([np.eye(4)[encode(X)], rng.normal(size=(60, 40, 1))])
        assert extract_motifs(classifier, track, y) == [expected]
        with pytest.raises(ValueError, match="not one-hot DNA"):
            extract_motifs(classifier, rng.normal(size=track.shape), y)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"threshold": 1.5}, "threshold=1.5"),
            ({"flank": -1}, "flank=-1"),
            ({"y": [0, 1]}, "y has 2 entries, but X has 60"),
            ({"y": [2] * 60}, "class 2"),
            ({"names": ["a"]}, "inconsistent"),
        ],
    )
    def test_wrong_arguments(self, planted, arguments, message):
        X, y, _ = planted
        classifier = fitted(X, y, kernel_for("TGACGTTA")[None], [-7.5], [1.0], reverse=True)
        with pytest.raises(ValueError, match=message):
            extract_motifs(classifier, X, **arguments)


def test_importing_motifs_loads_nothing_heavy():
    code = (
        "import sys, skdeepprune.motifs\n"
        "heavy = {'memelite', 'pyjaspar', 'numba', 'matplotlib', 'tensorflow', 'Bio'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
