import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdeepprune.datasets import load_planted_motifs
from skdeepprune.motifs import Motif, load_jaspar, orient_to_match, tomtom, write_motifs
from skdeepprune.motifs._align import best_alignment
from skdeepprune.motifs._similarity import match_motif


@pytest.fixture(scope="module")
def known() -> list[Motif]:
    rng = np.random.default_rng(0)
    return [
        Motif(f"random_{i}", rng.dirichlet([0.4] * 4, size=rng.integers(5, 15)) * 100, 100, accession=f"R{i}")
        for i in range(60)
    ]


def p_by_enumeration(query: np.ndarray, target: np.ndarray, targets: list[np.ndarray]) -> float:
    """Tomtom's p-value with the sums over all combinations of columns instead of convolutions, for tiny queries."""
    columns = np.concatenate([m for t in targets for m in (t, t[::-1, ::-1])])
    scores = -np.linalg.norm(query[:, None] - columns, axis=2)
    median = np.median(scores, axis=1)
    scores -= median[:, None]
    scale = 100 // max(scores.max() - np.floor(scores.min()), 1)

    def binned(x):
        return np.floor((x - np.floor(scores.min())) * scale + 0.5) + np.floor(scores.min()) * scale

    n, w = len(query), len(target)
    spans, best = [], -np.inf
    for strand in (target, target[::-1, ::-1]):
        spans = []
        for offset in range(1 - n, w):
            span = [i for i in range(n) if 0 <= i + offset < w]
            spans.append(span)
            values = [-np.linalg.norm(query[i] - strand[i + offset]) - median[i] for i in span]
            best = max(best, sum(binned(np.array(values))))
    below = 1.0
    for span in spans:
        sums = np.zeros(1)
        for i in span:
            sums = np.add.outer(sums, binned(scores[i])).ravel()
        below *= (sums < best).mean()
    return 1 - below**2


class TestPValues:
    def test_agrees_with_enumeration(self, known):
        targets = [motif.ppm for motif in known[:6]]
        query = known[20].ppm[:3]
        matches = match_motif(query, targets)
        expected = [p_by_enumeration(query, target, targets) for target in targets]
        np.testing.assert_allclose(matches.p, expected, rtol=1e-9)

    def test_a_wide_query_takes_little_memory(self, known):
        query = np.random.default_rng(1).dirichlet([0.4] * 4, size=100)
        tracemalloc.start()
        match_motif(query, [motif.ppm for motif in known])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100e6

    def test_agrees_with_memelite(self):
        # From memelite 0.5, against JASPAR 2024; it approximates the medians and merges like columns.
        expected = {
            ("TBP", "HOXA10"): 2.05341980e-03,
            ("TBP", "CDX4"): 2.38802404e-03,
            ("TBP", "CDX1"): 2.61183186e-03,
            ("TBP", "HOXB13"): 2.98512100e-03,
        }
        jaspar = load_planted_motifs()["TBP"]
        matches = tomtom(Motif("TBP", jaspar.ppm, 1), n_nearest=5)
        assert matches["target"][0] == "TBP" and -24.4 < np.log10(matches["p"][0]) < -23
        found = {(row.query, row.target): row.p for row in matches.iloc[1:].itertuples()}
        assert found.keys() == expected.keys()
        for key, p in expected.items():
            assert found[key] == pytest.approx(p, rel=0.15)

    def test_p_values_of_unrelated_motifs_are_no_smaller_than_chance(self, known):
        rng = np.random.default_rng(1)
        queries = [Motif(f"q{i}", rng.dirichlet([0.4] * 4, size=8), 1) for i in range(40)]
        p = tomtom(queries, known, n_nearest=None)["p"]
        for level in (0.01, 0.05, 0.2):
            assert (p < level).mean() < 1.3 * level

    @given(st.integers(0, 59), st.booleans(), st.data())
    def test_a_part_of_a_motif_finds_it(self, known, i, reverse, data):
        start = data.draw(st.integers(0, known[i].width - 5))
        part = known[i].window(start, data.draw(st.integers(start + 5, known[i].width)))
        match = tomtom(part.reverse_complement() if reverse else part, known).iloc[0]
        assert (match["target"], match["offset"], match["overlap"]) == (known[i].name, start, part.width)
        assert match["orientation"] == "-+"[not reverse]
        assert match["query_motif"] == part and match["target_motif"] is known[i]

    def test_overhangs(self, known):
        flat = np.full((3, 4), 25.0)
        long = Motif("long", np.concatenate([flat, known[0].counts, flat]), 100)
        for query in (long, long.reverse_complement()):
            match = tomtom(query, known).iloc[0]
            assert (match["target"], match["offset"], match["overlap"]) == ("random_0", -3, known[0].width)

    def test_a_motif_without_information(self, known):
        matches = tomtom(Motif("flat", np.ones((4, 4)), 4), known, n_nearest=None)
        assert matches["p"].between(0, 1).all()


class TestTable:
    def test_columns_follow_from_p(self, known):
        matches = tomtom(known[:3], known, n_nearest=None)
        assert len(matches) == 3 * 60 and list(matches["query"].unique()) == [m.name for m in known[:3]]
        np.testing.assert_allclose(matches["E"], 60 * matches["p"])
        for _, of_query in matches.groupby("query"):
            assert of_query["p"].is_monotonic_increasing and of_query["q"].is_monotonic_increasing
        assert list(matches["target_accession"][:1]) == ["R0"]
        first = tomtom(known[:3], known, n_nearest=2)
        pd.testing.assert_frame_equal(
            first, matches.groupby("query", sort=False).head(2).reset_index(drop=True), check_dtype=False
        )

    def test_false_discovery_rates_by_hand(self, known):
        matches = tomtom(known[0], known, n_nearest=None)
        ranked = matches["p"] * len(known) / np.arange(1, len(known) + 1)
        by_hand = [min(1.0, ranked[i:].min()) for i in range(len(ranked))]
        np.testing.assert_allclose(matches["q"], by_hand, rtol=1e-12)

    def test_orientation(self, known):
        turned = known[4].reverse_complement()
        matches = tomtom([known[3], turned], known)
        assert orient_to_match(known[3], matches) is known[3]
        assert orient_to_match(turned, matches) == known[4]
        assert orient_to_match(known[9], matches) is known[9]

    def test_no_queries(self, known):
        assert list(tomtom([], known).columns) == list(tomtom(known[0], known).columns)


class TestTargets:
    def test_a_file(self, known, tmp_path):
        write_motifs(known, tmp_path / "known.meme")
        from_file = tomtom(known[5], tmp_path / "known.meme")
        assert from_file["target"][0] == "random_5"
        np.testing.assert_allclose(from_file["p"], tomtom(known[5], known)["p"], rtol=1e-6)

    def test_jaspar_releases(self):
        assert len(load_jaspar("JASPAR2024")) == 879
        plants = load_jaspar("JASPAR2022", tax_group="plants")
        assert len(plants) > 500 and plants[0].accession.startswith("MA")
        family = {motif.accession: motif.notes for motif in load_jaspar("JASPAR2024")}["MA0765.4"]
        assert "family: Ets-related" in family
        with pytest.raises(ValueError, match="release='JASPAR1999'; expected one of JASPAR2026"):
            tomtom(load_jaspar()[0], "JASPAR1999")
        with pytest.raises(ValueError, match="no motifs with collection='NONE'"):
            load_jaspar(collection="NONE")

    def test_a_loaded_list_can_be_changed(self):
        load_jaspar().clear()
        assert len(load_jaspar()) == 879

    def test_few_targets_are_warned_of(self, known):
        with pytest.warns(UserWarning, match="Only 3 target motifs"):
            tomtom(known[0], known[:3])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"targets": []}, "no target motifs"),
            ({"targets": "nowhere.meme"}, "'nowhere.meme' is neither"),
            ({"n_nearest": 0}, "n_nearest=0"),
            ({"engine": "meme"}, "engine='meme'"),
        ],
    )
    def test_wrong_arguments(self, known, arguments, message):
        with pytest.raises(ValueError, match=message):
            tomtom(known[0], **({"targets": known} | arguments))

    def test_a_missing_package_is_named(self, known, monkeypatch):
        monkeypatch.setitem(sys.modules, "memelite", None)
        monkeypatch.setitem(sys.modules, "pyjaspar", None)
        with pytest.raises(ImportError, match=r"pip install skdeepprune\[motifs\]"):
            tomtom(known[0], known, engine="memelite")
        with pytest.raises(ImportError, match=r"pip install skdeepprune\[motifs\]"):
            load_jaspar("JASPAR2018")


@pytest.mark.slow
def test_live_memelite_agrees(known):
    queries = [*known[:5], known[6].window(1, 5), known[7].reverse_complement()]
    queries += [Motif(name, motif.ppm, 1) for name, motif in load_planted_motifs().items()]
    ours, theirs = (tomtom(queries, n_nearest=None, engine=engine) for engine in ("numpy", "memelite"))
    both = ours.merge(theirs, on=["query", "target_accession"], suffixes=("", "_memelite"))
    assert len(both) == len(ours)
    difference = np.abs(np.log10(both["p"] / both["p_memelite"]))
    assert difference[both["p"] > 1e-12].max() < 0.5 and difference.median() < 0.05
    best = both.sort_values("p").groupby("query").head(5)
    for column in ("offset", "overlap", "orientation"):
        assert (best[column] == best[f"{column}_memelite"]).mean() > 0.9


def test_the_correlation_is_that_of_the_alignment(known):
    flipped = known[7].reverse_complement()
    found = tomtom([replace(flipped, name="same"), Motif("part", known[7].counts[1:-1], 100)], known, n_nearest=1)
    assert found["target"].tolist() == ["random_7", "random_7"]
    assert found["correlation"][0] == pytest.approx(1)
    for match in found.itertuples():
        query, target = match.query_motif.ppm - 0.25, match.target_motif.ppm - 0.25
        together = sum(
            query[i] @ target[i + match.offset] for i in range(len(query)) if 0 <= i + match.offset < len(target)
        )
        expected = together / np.sqrt((query**2).sum() * (target**2).sum())
        assert match.correlation == pytest.approx(expected)
        assert match.correlation == pytest.approx(best_alignment(match.query_motif, match.target_motif).correlation)
