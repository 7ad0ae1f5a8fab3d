"""
From many kernels to four
=========================

Deepprune trains a network with more kernels than anyone could interpret, and repeatedly prunes it by half. This example
follows one fit on simulated sequences, and compares the small network with one of the same size trained directly, and
with the best possible classifier.
"""

# %%
# The sequences
# -------------
#
# Set 2 of the paper's five simulated sets: random sequences of 101 bp, half of which contain an instance of one of
# two motifs. The generating model is known, and so is the AUC of its likelihood ratio: the ceiling.

from skdeepprune.datasets import load_simulated

data = load_simulated(2, n_train=3000, n_test=3000, random_state=0)
print(data.X_train[0][:50], "...")
print("motifs:", *[motif.name for motif in data.motifs])
print(f"ceiling: AUC {data.ceiling:.3f}")

# %%
# Train, prune, train again
# -------------------------
#
# The fit starts with ``4 * 2**5`` = 128 kernels and ends with 4.

from sklearn.metrics import roc_auc_score

from skdeepprune import DeepPruneClassifier

classifier = DeepPruneClassifier(n_kernels=4, n_prunings=5, random_state=0)
classifier.fit(data.X_train, data.y_train)

probabilities = classifier.staged_predict_proba(data.X_test)
for stage, probability in zip(classifier.stages_, probabilities, strict=True):
    auc = roc_auc_score(data.y_test, probability[:, 1])
    print(f"{stage.n_kernels:4} kernels: test AUC {auc:.3f}")

# %%
# The same as a plot, with the ceiling:

from skdeepprune.plots import plot_history, plot_stages

# sphinx_gallery_thumbnail_number = 2
auc_axes, loss_axes = plot_stages(classifier, data.X_test, data.y_test)
auc_axes.axhline(data.ceiling, color="0.4", linestyle="--", label="ceiling")
_ = auc_axes.legend(frameon=False)

# %%
# Pruning need not cost anything: kernels that only fitted noise go first. In the history of the fit, every size starts
# with a jump, because half of the kernels are gone, and ends smoothly: once the validation loss stops improving, the
# learning rate decays to zero. The training loss is above the validation loss because of augmentation and dropout.

_ = plot_history(classifier)

# %%
# Trained directly
# ----------------
#
# The baseline is a network with 4 kernels from the start. Its result depends on the initial weights, so it is
# trained with five seeds.

for seed in range(5):
    baseline = DeepPruneClassifier(n_kernels=4, n_prunings=0, random_state=seed)
    baseline.fit(data.X_train, data.y_train)
    auc = roc_auc_score(data.y_test, baseline.predict_proba(data.X_test)[:, 1])
    print(f"seed {seed}: test AUC {auc:.3f}")
