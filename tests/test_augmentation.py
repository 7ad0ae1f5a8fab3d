from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from strategies import X, X_test, draw_network, small, y, y_test

from skdeepprune._augmentation import (
    Augmentation,
    dinucleotide_fingerprints,
    find_shuffles,
    may_be_shuffled,
    substitute,
)
from skdeepprune._engines._compiled import CompiledEngine
from skdeepprune._training import StreamedData
from skdeepprune.sequences import decode, dinucleotide_shuffle, shuffle_codes


def dinucleotides(sequence):
    return Counter(zip(sequence, sequence[1:], strict=False))


@given(st.floats(0, 0.99), st.integers(0, 10**6))
def test_substitution_is_uniform_over_bases_and_spares_n(rate, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (200, 101)).astype(np.uint8)
    before = codes.copy()
    changed = substitute(codes, rate, rng)
    np.testing.assert_array_equal(codes, before)
    assert (changed[codes == 4] == 4).all()
    assert changed.max() <= 4
    bases = codes < 4
    share = (changed != codes)[bases].mean()
    assert share == pytest.approx(rate, abs=6 * np.sqrt(0.25 / bases.sum()))


def test_substitutes_are_uniform_over_positions_and_letters(rng):
    codes = np.zeros((20_000, 7), dtype=np.uint8)
    changed = substitute(codes, 0.3, rng)
    np.testing.assert_allclose((changed != 0).mean(axis=0), 0.3, atol=0.02)
    letters = np.bincount(changed.ravel(), minlength=5)
    np.testing.assert_allclose(letters[1:4] / letters[1:4].sum(), 1 / 3, atol=0.01)


def test_fresh_negatives_are_shuffles_of_the_positives(rng):
    codes = rng.integers(0, 4, (30, 40)).astype(np.uint8)
    labels = (np.arange(30) % 3 == 0).astype(np.float32)
    augmentation = Augmentation(0.0, "dinucleotide")

    def renewed():
        return augmentation.apply(codes[augmentation.sources(labels, rng)], labels, rng)

    once = renewed()
    np.testing.assert_array_equal(once[labels == 1], codes[labels == 1])
    sources = Counter(frozenset(dinucleotides(s).items()) for s in decode(codes[labels == 1], strip=False))
    shuffles = Counter(frozenset(dinucleotides(s).items()) for s in decode(once[labels == 0], strip=False))
    assert set(shuffles) == set(sources)
    assert set(shuffles.values()) == {2}, "every positive twice among twice as many negatives"
    assert not np.array_equal(once, renewed())


def test_mixed_negatives_are_themselves_or_shuffles_of_themselves(rng):
    codes = rng.integers(0, 5, (2000, 40)).astype(np.uint8)
    labels = rng.integers(0, 2, 2000).astype(np.float32)
    augmentation = Augmentation(0.0, "mixed")
    before = codes.copy()
    assert (augmentation.sources(labels, rng) == np.arange(2000)).all()
    once, again = (augmentation.apply(codes, labels, rng) for _ in range(2))
    np.testing.assert_array_equal(codes, before)
    np.testing.assert_array_equal(once[labels == 1], codes[labels == 1])
    kept, kept_again = ((variant == codes).all(axis=1)[labels == 0] for variant in (once, again))
    assert kept.mean() == pytest.approx(0.5, abs=0.1)
    assert (kept & kept_again).mean() == pytest.approx(0.25, abs=0.1)
    for shuffled, source in zip(decode(once, strip=False), decode(codes, strip=False), strict=True):
        assert dinucleotides(shuffled) == dinucleotides(source)


@pytest.mark.parametrize("bases_at_once", [1, 5000, 2**22])
def test_an_epoch_in_blocks_shows_every_sequence_once(rng, monkeypatch, bases_at_once):
    monkeypatch.setattr("skdeepprune._training._BASES_AT_ONCE", bases_at_once)
    codes = rng.integers(0, 4, (500, 30)).astype(np.uint8)
    rows = np.flatnonzero(rng.random(500) < 0.8)
    labels = rng.integers(0, 2, len(rows)).astype(np.float32)
    weights = rng.random(len(rows)).astype(np.float32)
    engine = CompiledEngine()
    trainer = engine.trainer(draw_network(0, 3, 8, word_length=2))

    def seen(loaded, order):
        of_words = trainer.word_sums(loaded, order)
        columns = trainer.scores(loaded, order), of_words, loaded.y[order], loaded.sample_weight[order]
        return np.column_stack(columns).tolist()

    data = StreamedData(engine, codes, rows, labels, weights, Augmentation(0.0, "given"))
    blocks = list(data.blocks(16, rng))
    assert len(blocks) == {1: -(-len(rows) // 16), 5000: -(-len(rows) // 160), 2**22: 1}[bases_at_once]
    assert all(len(order) % 16 == 0 for _, order in blocks[:-1]), "batches are not cut"
    expected = seen(engine.load(codes[rows], labels, weights), np.arange(len(rows)))
    assert sorted(row for block in blocks for row in seen(*block)) == sorted(expected)
    chosen = np.arange(len(rows))[::3]
    terms, nothing = data.terms(trainer, chosen), data.terms(trainer, chosen[:0])
    np.testing.assert_array_equal(np.column_stack(terms), np.array(expected)[chosen, :4])
    assert (nothing.scores.shape, nothing.word_sums.shape) == ((0, 3), (0,))


def test_the_first_epoch_is_the_same_in_blocks(monkeypatch):
    settings = {"mutation_rate": 1e-9, "negatives": "given", "max_iter": 1, "n_prunings": 0, "batch_size": 20}
    whole = small(**settings).fit(X, y)
    monkeypatch.setattr("skdeepprune._training._BASES_AT_ONCE", 50 * len(X[0]))
    parts = small(**settings).fit(X, y)
    assert whole.history_["loss"][0] == pytest.approx(parts.history_["loss"][0], rel=1e-6)
    np.testing.assert_array_equal(whole.kernels_, parts.kernels_)


def test_without_augmentation_nothing_changes(rng):
    codes = rng.integers(0, 5, (10, 20)).astype(np.uint8)
    np.testing.assert_array_equal(Augmentation(0.0, "given").apply(codes, np.ones(10, np.float32), rng), codes)


@given(st.integers(2, 60), st.integers(0, 10**6))
def test_fingerprints_are_equal_where_all_dinucleotide_counts_are(length, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (8, length)).astype(np.uint8)
    codes[4:] = shuffle_codes(codes[:4], rng)
    counts = [sorted(dinucleotides(tuple(row)).items()) for row in codes.tolist()]
    fingerprints = dinucleotide_fingerprints(codes, np.arange(len(codes)))
    for i, j in combinations(range(len(codes)), 2):
        assert (fingerprints[i] == fingerprints[j]) == (counts[i] == counts[j])


def test_shuffles_are_recognised_where_their_source_is_there(rng):
    positives = rng.integers(0, 5, (400, 60)).astype(np.uint8)
    codes = np.concatenate([positives, shuffle_codes(positives, rng)])
    labels = np.repeat([1, 0], 400).astype(np.float32)
    np.testing.assert_array_equal(find_shuffles(codes, labels), labels == 0)
    half = rng.permutation(800)[:400]
    source_is_there = np.isin(half, half[half < 400] + 400)
    np.testing.assert_array_equal(find_shuffles(codes[half], labels[half]), source_is_there)
    others = rng.integers(0, 4, (400, 60)).astype(np.uint8)
    mixture = np.concatenate([codes, others])
    found = find_shuffles(mixture, np.repeat([1, 0, 0], 400))
    np.testing.assert_array_equal(found, np.repeat([False, True, False], 400))
    assert not find_shuffles(mixture, np.repeat([1, np.nan, 0], 400)).any(), "neither positive nor negative"


def test_other_sequences_are_not_taken_for_shuffles(rng):
    positives = rng.integers(0, 5, (400, 60)).astype(np.uint8)
    codes = np.concatenate([positives, shuffle_codes(positives, rng)])
    labels = np.repeat([1, 0], 400).astype(np.float32)

    def found(codes, labels):
        return find_shuffles(codes, labels).any()

    assert not found(np.concatenate([positives, rng.integers(0, 4, (400, 60)).astype(np.uint8)]), labels)
    assert not found(codes[:, :30], labels), "short sequences agree by chance"
    assert not found(np.concatenate([positives, positives]), labels), "contradictory labels are no shuffles"
    short = np.full((400, 60), 4, np.uint8)
    short[:, :8] = rng.integers(0, 4, (400, 8))
    assert not found(np.concatenate([short, short[:, ::-1]]), labels)
    one_long = np.concatenate([short, positives[:1], short, positives[1:2]])
    assert not found(one_long, np.repeat([1, 0], 401).astype(np.float32))


def test_of_a_mixture_only_shuffles_are_drawn_anew(rng):
    positives = rng.integers(0, 4, (40, 50)).astype(np.uint8)
    genomic = rng.integers(0, 4, (60, 50)).astype(np.uint8)
    codes = np.concatenate([genomic, positives, shuffle_codes(positives, rng)])
    labels = np.repeat([0, 1, 0], [60, 40, 40]).astype(np.float32)
    order = rng.permutation(140)
    codes, labels, is_shuffle = codes[order], labels[order], (order >= 100)
    weights = np.ones(140)
    augmentation = Augmentation.chosen(0.0, "auto", codes, labels, weights)
    assert augmentation.negatives == "renewed"
    np.testing.assert_array_equal(augmentation.is_shuffle, is_shuffle)
    rows = np.sort(rng.permutation(140)[:100])
    part, y, mask = augmentation.of_rows(rows), labels[rows], is_shuffle[rows]
    sources = part.sources(y, rng)
    whole = part.apply(codes[rows][sources], y, rng)
    np.testing.assert_array_equal(whole[~mask], codes[rows][~mask])
    of = {frozenset(dinucleotides(s).items()) for s in decode(codes[rows][y == 1], strip=False)}
    for new, old in zip(decode(whole[mask], strip=False), decode(codes[rows][mask], strip=False), strict=True):
        assert frozenset(dinucleotides(new).items()) in of and new != old
    chosen = rng.permutation(100)[:37]
    block = part.apply(codes[rows][sources[chosen]], y[chosen], rng, chosen)
    np.testing.assert_array_equal(block[~mask[chosen]], codes[rows][chosen][~mask[chosen]])
    weights[is_shuffle] = 0
    assert Augmentation.chosen(0.0, "auto", codes, labels, weights).is_shuffle is None


def test_a_mixture_is_good_against_both_kinds():
    """Genomic negatives here have other words than positives; shuffles have the same dinucleotides."""
    positives = [x for x, label in zip(X, y, strict=True) if label]
    rng = np.random.default_rng(3)
    genomic = ["".join(rng.choice(list("ACGT"), 60, p=[0.4, 0.1, 0.1, 0.4])) for _ in positives]
    shuffles = dinucleotide_shuffle(positives, random_state=0)
    labels = np.repeat([1, 0, 0], len(positives))
    fitted = small(max_iter=30).fit(positives + genomic + shuffles, labels)
    assert fitted.negatives_ == "renewed"
    held_out = [x for x, label in zip(X_test, y_test, strict=True) if label]
    others = ["".join(rng.choice(list("ACGT"), 60, p=[0.4, 0.1, 0.1, 0.4])) for _ in held_out]
    for negatives in (dinucleotide_shuffle(held_out, random_state=1), others):
        scores = fitted.decision_function(held_out + negatives)
        assert roc_auc_score(np.repeat([1, 0], len(held_out)), scores) > 0.85


def test_auto_renews_negatives_that_are_shuffles():
    positives = [x for x, label in zip(X, y, strict=True) if label]
    shuffles = dinucleotide_shuffle(positives, random_state=0)
    sequences, labels = positives + shuffles, np.repeat([1, 0], len(positives))
    auto = small(negatives="auto", max_iter=2).fit(sequences, labels)
    given = small(negatives="dinucleotide", max_iter=2).fit(sequences, labels)
    assert auto.negatives_ == given.negatives_ == "dinucleotide"
    np.testing.assert_array_equal(auto.kernels_, given.kernels_)
    assert small(negatives="given", max_iter=2).fit(sequences, labels).negatives_ == "given"


def test_auto_shuffles_other_negatives_unless_they_are_the_bound_ones():
    auto, given = (small(negatives=negatives, max_iter=2).fit(X, y) for negatives in ("auto", "mixed"))
    assert auto.negatives_ == given.negatives_ == "mixed"
    np.testing.assert_array_equal(auto.kernels_, given.kernels_)
    swapped = small(negatives="auto", max_iter=2).fit(X, 1 - np.asarray(y))
    assert swapped.negatives_ == "given"
    assert not np.array_equal(auto.kernels_, small(negatives="given", max_iter=2).fit(X, y).kernels_)


def background(n, length, rng):
    """Sequences that have words of their own, though nothing binds them."""
    next_base = np.random.default_rng(5).dirichlet(np.full(4, 10.0), size=(4, 4, 4)).cumsum(axis=-1)
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    for i in range(3, length):
        bounds = next_base[codes[:, i - 3], codes[:, i - 2], codes[:, i - 1]]
        codes[:, i] = np.minimum((rng.random((n, 1)) > bounds).sum(axis=1), 3)
    return codes


def bound(n, rng, *, word=(0, 1, 3, 2, 2, 0, 3), length=60):
    codes = background(n, length, rng)
    for row, start in zip(codes, rng.integers(0, length - len(word), n), strict=True):
        row[start : start + len(word)] = word
    return codes


def looked_at(positives, negatives):
    width = max(positives.shape[1], negatives.shape[1])
    codes = np.full((len(positives) + len(negatives), width), 4, np.uint8)
    codes[: len(positives), : positives.shape[1]] = positives
    codes[len(positives) :, : negatives.shape[1]] = negatives
    return may_be_shuffled(codes, np.repeat([1, 0], [len(positives), len(negatives)]).astype(np.float32))


@pytest.mark.parametrize(("n_bound", "n_unbound"), [(1000, 1000), (200, 2000), (2000, 200)])
def test_only_negatives_that_nothing_binds_may_be_shuffled(rng, n_bound, n_unbound):
    unbound = background(n_unbound, 60, rng)
    assert looked_at(bound(n_bound, rng), unbound)
    assert not looked_at(unbound, bound(n_bound, rng)), "labels are swapped"
    other = bound(n_unbound, rng, word=(2, 3, 0, 0, 1, 3, 1))
    assert not looked_at(bound(n_bound, rng), other), "two proteins"


@pytest.mark.parametrize(("n_bound", "n_unbound"), [(300, 300), (100, 900), (900, 100)])
def test_noise_is_seldom_taken_for_a_motif(rng, n_bound, n_unbound):
    taken = [looked_at(background(n_bound, 60, rng), background(n_unbound, 60, rng)) for _ in range(40)]
    assert sum(taken) <= 8


def test_neither_length_nor_copies_nor_n_deceive(rng):
    unbound = background(1000, 60, rng)
    assert not looked_at(background(500, 200, rng), unbound), "longer"
    assert not looked_at(unbound, background(500, 200, rng)), "shorter"
    assert looked_at(bound(500, rng), np.concatenate([background(500, 200, rng), background(1, 5000, rng)[:, :200]]))
    few = background(200, 60, rng)
    assert not looked_at(np.repeat(few, 5, axis=0), unbound), "copies do not count twice"
    assert not looked_at(np.repeat(few, 5, axis=0), np.repeat(unbound[:200], 5, axis=0))
    with_n, bound_with_n = (
        np.where(rng.random(codes.shape) < 0.1, 4, codes).astype(np.uint8) for codes in (unbound, bound(1000, rng))
    )
    assert looked_at(bound_with_n, with_n)
    assert not looked_at(with_n, bound_with_n)
    assert not looked_at(with_n, np.where(with_n == 4, 4, background(1000, 60, rng)))


def test_of_long_or_many_sequences_a_part_tells(rng, monkeypatch):
    one_long = np.full((1001, 20_000), 4, np.uint8)
    one_long[:1000, :60] = background(1000, 60, rng)
    one_long[1000:] = background(1, 20_000, rng)
    assert looked_at(bound(1000, rng), one_long)
    monkeypatch.setattr("skdeepprune._augmentation._BASES_TO_LOOK_AT", 2 * 60 * 300)
    assert looked_at(bound(1000, rng), one_long[:, :100])


def test_too_little_data_keeps_the_negatives(rng):
    codes, labels = np.concatenate([bound(50, rng), background(50, 60, rng)]), np.repeat([1, 0], 50)
    assert not may_be_shuffled(codes, np.zeros(100, np.float32))
    assert not may_be_shuffled(codes[:, :5], labels.astype(np.float32)), "shorter than a word"
    assert not may_be_shuffled(codes[:, :0], labels.astype(np.float32))
    assert not may_be_shuffled(np.full_like(codes, 4), labels.astype(np.float32))


def test_by_default_only_dna_is_mutated(rng):
    auto, given, none = (small(mutation_rate=rate, max_iter=2).fit(X, y) for rate in ("auto", 0.05, 0))
    np.testing.assert_array_equal(auto.kernels_, given.kernels_)
    assert not np.array_equal(auto.kernels_, none.kernels_)
    values = rng.normal(size=(20, 10, 4))
    auto, none = (small(mutation_rate=rate, max_iter=2).fit(values, np.arange(20) % 2) for rate in ("auto", 0))
    np.testing.assert_array_equal(auto.kernels_, none.kernels_)


def test_large_networks_see_more_mutations():
    auto, many, few = (
        small(n_kernels=64, n_prunings=1, mutation_rate=rate, max_iter=2).fit(X, y).stages_
        for rate in ("auto", 0.1, 0.05)
    )
    np.testing.assert_array_equal(auto[0].network.kernels, many[0].network.kernels)
    assert not np.array_equal(auto[0].network.kernels, few[0].network.kernels)
    np.testing.assert_array_equal(auto[1].kept, many[1].kept)
    assert not np.array_equal(auto[1].network.kernels, many[1].network.kernels)
    auto, few = (small(n_kernels=64, n_prunings=0, mutation_rate=rate, max_iter=2).fit(X, y) for rate in ("auto", 0.05))
    np.testing.assert_array_equal(auto.kernels_, few.kernels_)


def test_validation_sequences_are_not_augmented():
    plain = small(max_iter=1, n_prunings=0, learning_rate_init=1e-12).fit(X, y)
    augmented = small(max_iter=1, n_prunings=0, learning_rate_init=1e-12, mutation_rate=0.5).fit(X, y)
    assert plain.history_["val_loss"][0] == pytest.approx(augmented.history_["val_loss"][0], abs=1e-6)
    assert plain.history_["loss"][0] != pytest.approx(augmented.history_["loss"][0], abs=1e-6)


def test_positives_alone_learn_against_their_shuffles():
    positives = [x for x, label in zip(X, y, strict=True) if label]
    alone = small(negatives="dinucleotide", max_iter=40).fit(positives, np.ones(len(positives), int))
    assert alone.classes_.tolist() == [0, 1]
    held_out = [x for x, label in zip(X_test, y_test, strict=True) if label]
    shuffles = dinucleotide_shuffle(held_out, random_state=0)
    scores = alone.decision_function(held_out + shuffles)
    assert roc_auc_score(np.repeat([1, 0], len(held_out)), scores) > 0.85


def test_class_weights_reach_the_generated_negatives():
    positives = [x for x, label in zip(X, y, strict=True) if label]
    ones = np.ones(len(positives), int)

    def mean_probability(**parameters):
        fitted = small(negatives="dinucleotide", max_iter=10, **parameters).fit(positives, ones)
        return fitted.predict_proba(X_test)[:, 1].mean()

    assert mean_probability(class_weight={0: 1, 1: 20}) > mean_probability() + 0.1
    assert mean_probability(class_weight={0: 20}) < mean_probability() - 0.05


def test_augmented_fits_repeat():
    fits = [small(negatives="dinucleotide", mutation_rate=0.1, max_iter=3).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(fits[0].kernels_, fits[1].kernels_)


@pytest.mark.parametrize("parameters", [{"mutation_rate": 0.1}, {"negatives": "dinucleotide"}, {"negatives": "mixed"}])
def test_real_values_cannot_be_augmented(parameters, rng):
    values = rng.normal(size=(20, 10, 4))
    with pytest.raises(ValueError, match="need DNA, but X holds real-valued channels"):
        small(**parameters).fit(values, np.arange(20) % 2)


def test_sequences_of_weight_0_do_not_tell_whether_negatives_are_shuffles():
    positives = [x for x, label in zip(X, y, strict=True) if label]
    others = [x for x, label in zip(X, y, strict=True) if not label]
    sequences = positives + others + dinucleotide_shuffle(positives, random_state=0)
    labels = np.repeat([1, 0, 0], [len(positives), len(others), len(positives)])
    weights = np.repeat([1.0, 1.0, 0.0], [len(positives), len(others), len(positives)])
    classifier = small(negatives="auto", max_iter=1, n_prunings=0)
    assert classifier.fit(sequences, labels).negatives_ == "renewed"
    assert classifier.fit(sequences, labels, weights).negatives_ == "mixed"


def test_real_values_with_positives_alone_are_refused(rng):
    with pytest.raises(ValueError, match="need DNA, but X holds real-valued channels"):
        small(negatives="dinucleotide", n_channels=5, reverse_complement=False).fit(
            rng.normal(size=(20, 30, 5)), np.ones(20)
        )


def test_one_class_says_how_to_train_on_positives_alone():
    with pytest.raises(ValueError, match="pass a y of ones and set negatives='dinucleotide'"):
        small().fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="pass a y of ones"):
        small(negatives="dinucleotide").fit(X, np.zeros(len(X)))
