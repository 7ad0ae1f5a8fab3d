"""Inputs that several test modules draw: sequences, networks, classifiers, variants."""

import gzip

import numpy as np
from hypothesis import strategies as st

from skdeepprune import DeepPruneClassifier, Network, Stage
from skdeepprune._network import reverse_complement_words

dna = st.text("ACGTN", min_size=1, max_size=30).filter(lambda s: s.strip("N") != "")


def draw_words(rng, word_length, *, reverse_complement):
    """Weights of words, of mean 0, and with both strands the same for reverse complements."""
    if not word_length:
        return np.empty(0, np.float32)
    weights = rng.normal(size=4**word_length)
    if reverse_complement:
        weights = weights + weights[reverse_complement_words(word_length)]
    return (weights - weights.mean()).astype(np.float32)


def draw_network(
    seed, n_kernels=3, kernel_length=5, n_channels=4, *, reverse_complement=False, sharpness=np.inf, word_length=0
):
    rng = np.random.default_rng(seed)
    network = Network.initial(n_kernels, kernel_length, n_channels, reverse_complement=reverse_complement, rng=rng)
    return Network(
        network.kernels,
        rng.normal(size=n_kernels).astype(np.float32),
        network.dense_weights,
        0.3,
        reverse_complement,
        sharpness,
        draw_words(rng, word_length, reverse_complement=reverse_complement),
    )


def random_network(
    rng,
    *,
    n_kernels=3,
    width=5,
    both_strands=True,
    word_length=0,
    sharpness=np.inf,
    scale=1.0,
):
    """Draw a network whose kernels and words all matter; words are tied where both strands are read."""
    words = rng.normal(0, 0.1, 4**word_length if word_length else 0)
    if both_strands and word_length:
        words = (words + words[reverse_complement_words(word_length)]) / 2
    return Network(
        kernels=rng.normal(0, scale, (n_kernels, width, 4)).astype(np.float32),
        kernel_bias=rng.normal(0, 0.5, n_kernels).astype(np.float32),
        dense_weights=rng.normal(0, 1, n_kernels).astype(np.float32),
        dense_bias=float(np.float32(rng.normal())),
        reverse_complement=both_strands,
        sharpness=sharpness,
        composition=words.astype(np.float32),
    )


def classifier_of(network, n_jobs=None):
    """A classifier with this network, as if it had been fitted."""
    classifier = DeepPruneClassifier(n_kernels=network.n_kernels, n_prunings=0, n_jobs=n_jobs)
    nothing = np.zeros(network.n_kernels)
    classifier.stages_ = [Stage(0, np.arange(network.n_kernels), network, nothing, 0.0, 0.0, 0.5, [])]
    classifier.rejected_stages_ = []
    classifier.classes_, classifier.is_dna_, classifier.engine_ = np.array([0, 1]), True, "compiled"
    classifier.negatives_ = "given"
    classifier.word_counts_ = np.zeros((2, len(network.composition)))
    return classifier


def random_sequence(rng, length, unknown=0.0):
    """Draw a sequence with that share of N, half of it in runs."""
    letters = rng.choice(list("ACGTacgt"), length)
    letters[rng.random(length) < unknown / 2] = "N"
    for start in np.flatnonzero(rng.random(length) < unknown / 20):
        letters[start : start + rng.integers(1, 20)] = "N"
    return "".join(letters)


def network_of(seed, both_strands, is_mean, word_length, n_kernels=3, kernel_length=5):
    sharpness = 1.5 if is_mean else np.inf
    options = {"reverse_complement": both_strands, "sharpness": sharpness, "word_length": word_length}
    return draw_network(seed, n_kernels, kernel_length, **options)


networks = st.builds(
    network_of,
    st.integers(0, 1000),
    st.booleans(),
    st.booleans(),
    st.integers(0, 6),
    st.integers(1, 5),
    st.integers(1, 9),
)


def draw_targets(rng, n):
    return rng.integers(0, 2, n).astype(np.float32), rng.uniform(0.1, 2, n).astype(np.float32)


SITE = "ACGGTTGCA"


def plant(n, length=50, share=0.9, seed=0):
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), (n, length))
    y = rng.integers(0, 2, n)
    for i in np.flatnonzero(y & (rng.random(n) < share)):
        start = rng.integers(0, length - len(SITE) + 1)
        letters[i, start : start + len(SITE)] = list(SITE)
    return ["".join(row) for row in letters], y


X, y = plant(800)

X_test, y_test = plant(400, seed=1)


def small(**parameters):
    defaults = dict(
        n_kernels=2, n_prunings=3, kernel_length=9, max_iter=25, batch_size=32, learning_rate_init=0.01, random_state=0
    )
    return DeepPruneClassifier(**(defaults | parameters))


GENOME = {"chr1": "".join(np.random.default_rng(7).choice(list("ACGT"), 200)), "chr2": "ACGTACGTAC"}

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def snvs(n, seed=0):
    rng = np.random.default_rng(seed)
    sequence = GENOME["chr1"]
    places = rng.integers(30, 170, n)
    return [("chr1", p + 1, sequence[p], "ACGT"["ACGT".index(sequence[p]) - 1]) for p in places]


def write_vcf(path, *records, header=HEADER):
    text = header + "".join("\t".join(map(str, record)) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path
