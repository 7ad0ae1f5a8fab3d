import base64
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from pages import HOSTILE, Page, browse
from paper_tables import make_results, simple

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.text import Annotation, Text
from paper.claims import CLAIMS, beside_paper
from paper.drawing import picture
from paper.figures import plot_criteria, plot_differences, plot_sizes
from paper.marks import COLORS, short_names, style
from paper.overviews import pareto_front, plot_ranks, plot_tradeoff, tradeoff
from paper.page import write_page
from paper.results import over_seeds
from paper.statistics import compare, rank
from paper.summary import computing_time

from skdeepprune import DeepPruneClassifier
from skdeepprune.bench import METHODS, BenchmarkDataset, run_benchmark
from skdeepprune.datasets import load_simulated

SIMULATED = [f"simulated-{i}" for i in range(1, 6)]


@pytest.fixture(autouse=True)
def closed_figures():
    plt.close("all")  # those of other tests
    yield
    assert len(plt.get_fignums()) < 10
    plt.close("all")


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def real(results):
    return results[results["collection"] != "simulated"]


@pytest.fixture(scope="module")
def html(results, tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), results, weights=WEIGHTS)


WEIGHTS = pd.DataFrame({"kernel": [3, 9], "kept": [True, False], 8: [0.41, 0.2], 4: [0.5, np.nan]})


def written(folder, results, **options):
    path = folder / "benchmark.html"
    open_before = plt.get_fignums()
    write_page(results, path, **options)
    assert [file.name for file in folder.iterdir()] == ["benchmark.html"]
    assert plt.get_fignums() == open_before
    return path.read_text(encoding="utf-8")


def labels_apart(ax):
    """Whether no two names written beside lines overlap, and all lie within the figure."""
    ax.figure.canvas.draw()
    # Of the words: an annotation's own extent has its line in it, too.
    boxes = [Text.get_window_extent(text) for text in ax.texts if isinstance(text, Annotation)]
    inside = all(ax.figure.bbox.padded(1).contains(*corner) for box in boxes for corner in (box.min, box.max))
    return inside and not any(a.padded(-1.5).overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_lines_are_the_means(results):
    axes = plot_sizes(results, SIMULATED[:3])
    means = over_seeds(results)
    assert [ax.get_title(loc="left") for ax in axes] == ["simulated set 1", "simulated set 2", "simulated set 3"]
    for ax, dataset in zip(axes, SIMULATED, strict=False):
        *lines, ceiling = ax.lines
        for line, method in zip(lines, ("deepprune", "deepprune-inter", "direct"), strict=True):
            own = means[(means["dataset"] == dataset) & (means["method"] == method)].sort_values("n_kernels")
            np.testing.assert_allclose(line.get_xdata(), own["n_kernels"].astype(float))
            np.testing.assert_allclose(line.get_ydata(), own["mean"])
        assert ceiling.get_ydata()[0] == results.loc[results["dataset"] == dataset, "ceiling"].mean()
        assert ax.get_ylim() == axes[0].get_ylim()
        assert labels_apart(ax)


def test_a_set_without_the_methods_is_refused(results):
    with pytest.raises(ValueError, match="no numbers of kernels with any of deepprune, .* in simulated-9"):
        plot_sizes(results, ["simulated-9"])
    with pytest.raises(ValueError, match="No data set has any of deepprune, deepprune-score"):
        plot_criteria(results[results["method"] == "direct"])


def test_criteria_are_on_scales_of_equal_height(results):
    axes = plot_criteria(results, SIMULATED[:3])
    assert np.ptp([ax.get_ylim() for ax in axes], axis=1) == pytest.approx(np.ptp(axes[0].get_ylim()))
    (key,) = axes[0].figure.legends
    assert [text.get_text() for text in key.get_texts()] == ["by weight", "by score", "by score and weight"]


def test_bars_are_the_differences(real):
    comparison = compare(real, ("deepprune", 4), ("direct", 4))
    ax = plot_differences(comparison)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], comparison.differences)
    shown = [text.get_text() for text in ax.texts]
    assert shown == [f"better on {comparison.wins} of 20", f"worse on {comparison.losses} of 20"]
    assert len({label.get_text() for label in ax.get_yticklabels()}) == 20
    lost = list(comparison.differences.index[-2:])
    assert len(plot_differences(comparison, lost).patches) == 2


def test_many_sets_are_drawn_without_names():
    rng = np.random.default_rng(0)
    comparison = compare(simple({"a": rng.uniform(0.5, 1, 690), "b": [0.6] * 690}), ("a", 4), ("b", 4))
    ax = plot_differences(comparison)
    assert ax.get_xlabel() == "data sets, sorted"
    assert [text.get_text() for text in ax.texts][0] == f"better on {comparison.wins} of 690"


@pytest.mark.parametrize("cost", ["n_kernels", "fit_seconds"])
def test_tradeoff_is_of_means_over_the_same_sets(real, cost):
    few = real[(real["method"] != "winning-tickets") | (real["dataset"] != real["dataset"].iloc[0])]
    points, n_datasets = tradeoff(few, cost)
    assert n_datasets == 19
    shared = few[few["dataset"] != real["dataset"].iloc[0]]
    own = points[(points["method"] == "direct") & (points["n_kernels"] == 8)].iloc[0]
    rows = shared[(shared["method"] == "direct") & (shared["n_kernels"] == 8)]
    # One seed of a set is lost with gkm-SVM, and with it that seed for all.
    lost = shared.loc[shared["error"].notna(), ["dataset", "seed"]].iloc[0]
    rows = rows[(rows["dataset"] != lost["dataset"]) | (rows["seed"] != lost["seed"])]
    assert own["mean"] == pytest.approx(rows.groupby("dataset")["roc_auc"].mean().mean())
    if cost == "fit_seconds":
        assert own["fit_seconds"] == pytest.approx(rows.groupby("dataset")["fit_seconds"].min().mean())
    assert plot_tradeoff(few, cost).get_ylabel() == "mean test ROC AUC over 19 data sets"


def test_names_beside_lines_do_not_overlap(real):
    assert labels_apart(plot_tradeoff(real))


def test_a_method_measured_on_few_sets_removes_no_set(real):
    few = real[(real["method"] != "circular") & (real["dataset"] != "x")]
    rare = few[(few["method"] == "deepprune") & (few["dataset"] == few["dataset"].iloc[0])].assign(method="circular")
    points, n_datasets = tradeoff(pd.concat([few, rare]))
    assert n_datasets == 20 and "circular" not in set(points["method"])


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(50, 60)), min_size=1, max_size=12))
def test_the_front_has_no_better_point(pairs):
    points = pd.DataFrame(pairs, columns=["n_kernels", "mean"]).astype(float)
    best = {
        (cost, auc)
        for cost, auc in pairs
        if not any((c <= cost and a >= auc and (c, a) != (cost, auc)) for c, a in pairs)
    }
    front = pareto_front(points, "n_kernels")
    assert list(zip(front["n_kernels"], front["mean"], strict=True)) == sorted(best)


def test_the_diagram_has_every_method_at_its_rank(real):
    ranking = rank(real)
    ax = plot_ranks(ranking)
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert marks == pytest.approx(list(ranking.average_ranks.values()))
    bars = [line for line in ax.lines if line.get_linewidth() == 4]
    assert len(bars) == len(ranking.groups) > 0
    for bar, group in zip(bars, ranking.groups, strict=True):
        held = [ranking.average_ranks[name] for name in group]
        assert bar.get_xdata() == pytest.approx([min(held) - 0.05, max(held) + 0.05])
    assert labels_apart(ax)


def test_colors_can_be_read_on_white():
    def luminance(color):
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    assert min(1.05 / (luminance(color) + 0.05) for color in COLORS) > 3
    assert style("a method of yours") == style("a method of yours")


def test_names_are_short_where_they_stay_apart():
    names = [
        "ELK1_GM12878_ELK1_(1277-1)_Stanford",
        "wgEncodeAwgTfbsUwWerirb1CtcfUniPk",
        "simulated-3",
        "CTCF",
        "SP1_K562_a_X",
        "SP1_K562_b_X",
    ]
    assert list(short_names(names).values()) == [
        "ELK1 GM12878",
        "Werirb1 Ctcf",
        "simulated set 3",
        "CTCF",
        "SP1_K562_a_X",
        "SP1_K562_b_X",
    ]


def test_the_papers_numbers():
    paper = {claim.what: claim.paper for claim in CLAIMS}
    assert "532 of 690 (77.10 %)" in paper.values() and "158 of 690 (22.90 %)" in paper.values()
    assert "1.02e-58" in paper.values() and "0.8035 over 690 sets" in paper.values()


def test_beside_the_paper(results, real):
    rows = beside_paper(results).set_index("what")
    assert (rows["missing"] == "").all()
    comparison = compare(real, ("deepprune", 4), ("direct", 4))
    share = 100 * comparison.wins / 20
    assert rows["here"].iloc[0] == f"{comparison.wins} of 20 ({share:.2f} %)"
    assert rows.loc["p of the one-sided Wilcoxon signed-rank test", "here"] == f"{comparison.p_value:.2e}"
    at_4 = results[(results["method"] == "direct") & (results["n_kernels"] == 4)].groupby("dataset")["roc_auc"].mean()
    shown = rows.loc["simulated sets 4 and 5, trained directly, 4 kernels", "here"]
    assert shown == f"{at_4['simulated-4']:.3f}, {at_4['simulated-5']:.3f}"


def test_methods_not_run_are_listed(results):
    rows = beside_paper(results[results["method"] != "winning-tickets"])
    lacking = rows[rows["missing"] != ""]
    assert set(lacking["where"]) == {"Fig. S1"} and (lacking["here"] == "").all()
    assert lacking["missing"].str.contains("winning-tickets with 4 kernels").all()


def test_nothing_is_loaded_from_anywhere(html):
    page = Page(html)
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            if name in attributes:
                assert attributes[name].startswith(("#", "data:")), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    for forbidden in ("http://", "https://", "@import", "<script", "url(h", "//cdn"):
        assert forbidden not in html
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert len(html.encode()) < 1_000_000


def test_it_has_every_section_and_figure(html, real):
    page = Page(html)
    sections = [a["id"] for a in page.all("section")]
    assert sections == "paper simulated criteria real lost tickets methods cost weights making".split()
    assert len(page.all("h1")) == 1
    pictures = page.all("img")
    assert len(pictures) == 10
    assert all(a["src"].startswith("data:image/svg+xml;base64,") and len(a["alt"]) > 10 for a in pictures)
    comparison = compare(real, ("deepprune", 4), ("direct", 4))
    assert f"better on {comparison.wins}, worse on {comparison.losses}" in page.text
    assert "532 of 690 (77.10 %)" in page.text
    assert "MemoryError: <kernel> matrix of 20000 x 20000" in page.text and "One run failed" in page.text
    assert "690 sets like the real ones here" in page.text


def test_the_same_table_gives_the_same_page(html, results, tmp_path):
    assert written(tmp_path, results, weights=WEIGHTS) == html


def test_five_columns_are_enough(results, tmp_path):
    page = Page(written(tmp_path, results[["dataset", "method", "seed", "n_kernels", "roc_auc"]]))
    assert "Computing times are not available. The table has no column 'fit_seconds'" in page.text
    assert "Weights by stage. Needs a trained classifier" in page.text


def test_a_table_of_the_runner(tmp_path):
    def load(i):
        return lambda seed: load_simulated(i, n_train=200, n_test=60, random_state=seed)

    def pruned(dataset, seed, n_kernels=2, n_prunings=1):
        return DeepPruneClassifier(n_kernels, n_prunings=n_prunings, kernel_length=8, max_iter=2, random_state=seed)

    def direct(dataset, seed):
        return {size: pruned(dataset, seed, size, 0) for size in (4, 2)}

    def fail(dataset, seed):
        return DeepPruneClassifier(max_iter=-1)

    methods = {"deepprune": pruned, "direct": direct, "gone": fail, "pwm-scan": METHODS["pwm-scan"]}
    datasets = [BenchmarkDataset(collection="simulated", name=f"simulated-{i}", load=load(i)) for i in (1, 2, 3)]
    table = run_benchmark(datasets, methods, [0, 1], tmp_path / "store")
    (tmp_path / "page").mkdir()
    page = Page(written(tmp_path / "page", table))
    assert "InvalidParameterError: The 'max_iter' parameter" in page.text and "Six runs failed" in page.text
    time = computing_time(table).set_index("method")
    runs = table.groupby(["method", "dataset", "seed"])[["fit_seconds", "score_seconds"]]
    # A pruned network's seconds run on from size to size; networks trained directly have each their own.
    pruned_seconds = (runs.max()["fit_seconds"] + runs.sum()["score_seconds"])["deepprune"]
    assert time.loc["deepprune", "seconds"] == pytest.approx(pruned_seconds.groupby("dataset").min().mean())
    direct_seconds = runs.sum().sum(axis=1)["direct"]
    assert time.loc["direct", "seconds"] == pytest.approx(direct_seconds.groupby("dataset").min().mean())
    assert {a["id"] for a in page.all("section")} == {"paper", "simulated", "methods", "cost", "making", "missing"}


def test_methods_of_others(tmp_path):
    table = simple({"alpha": [0.7, 0.8, 0.9], "beta": [0.6, 0.7, 0.8]}, n_kernels=None)
    page = Page(written(tmp_path, table))
    assert "two methods on three data sets" in page.text.lower()
    assert "No data set has a seed with each of deepprune with 4 kernels, direct with 4 kernels." in page.text
    assert [a["id"] for a in page.all("section")] == ["paper", "methods", "cost", "making", "missing"]


def test_of_a_long_table_the_page_shows_the_beginning(tmp_path):
    rng = np.random.default_rng(0)
    table = simple({name: rng.uniform(0.5, 1, 300) for name in ("deepprune", "direct", "a", "b")})
    page = Page(written(tmp_path, table))
    assert "All means: the first 1000 of 1,200 rows" in page.text
    (link,) = [a["href"] for a in page.all("a") if a.get("download") == "real_all_sizes.csv"]
    assert base64.b64decode(link.partition(",")[2]).count(b"\n") == 1201


def test_a_table_of_few_columns(tmp_path):
    ours = pd.read_csv(REPOSITORY / "benchmarks" / "results" / "accuracy_simulated.csv")
    few = ours.loc[ours["method"].isin(["deepprune", "direct"]), ["dataset", "method", "seed", "n_kernels", "roc_auc"]]
    few.to_csv(tmp_path / "few.csv", index=False)
    folder = tmp_path / "page"
    folder.mkdir()
    page = Page(written(folder, tmp_path / "few.csv"))
    assert "0.633, 0.568" in page.text  # docs/accuracy.md has these two, written by other code


def test_a_table_that_is_refused_leaves_the_old_page(tmp_path):
    path = tmp_path / "benchmark.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="no column 'seed'"):
        write_page(simple({"a": [0.5]}).drop(columns="seed"), path)
    with pytest.raises(ValueError, match="None of the 1 rows has a result"):
        write_page(simple({"a": [0.5]}).assign(roc_auc=np.nan), path)
    assert path.read_text() == "old"


def test_without_matplotlib_the_extra_is_named(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install skdeepprune\[plots\]"):
        write_page(results, tmp_path / "benchmark.html")


def test_a_picture_is_the_whole_figure():
    comparison = compare(simple({"a": [0.9, 0.5, 0.7], "b": [0.6, 0.6, 0.6]}), ("a", 4), ("b", 4))
    ax = plot_differences(comparison)
    size = 72 * ax.figure.get_size_inches()
    (image,) = Page(picture(ax, 'a < b & "c"')).all("img")
    assert image["alt"] == 'a < b & "c"'
    drawing = ElementTree.fromstring(base64.b64decode(image["src"].partition(",")[2]))
    assert [float(number) for number in drawing.get("viewBox").split()] == pytest.approx([0, 0, *size])
    assert f"max-width:{1.3 * size[0]:.0f}px" in image["style"]


@pytest.fixture(scope="module")
def hostile():
    table = make_results(1, 3, 2)
    table["dataset"] = table["dataset"] + HOSTILE + "$x_"
    table["method"] = table["method"].replace({"pwm-scan": HOSTILE + "$\\frac"})
    table["machine"] = HOSTILE
    table.loc[0, ["roc_auc", "error"]] = [np.nan, HOSTILE]
    return table


def test_names_are_text(hostile, tmp_path):
    html = written(tmp_path, hostile, title=HOSTILE)
    page = Page(html)
    assert page.all("script") == [] and not any("onerror" in image for image in page.all("img"))
    assert HOSTILE in " ".join(page.texts)


def test_a_browser_runs_nothing_in_it(chromium, hostile, tmp_path):
    written(tmp_path, hostile, title=HOSTILE)
    run = browse(chromium, tmp_path, f"file://{tmp_path}/benchmark.html", "--dump-dom")
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    assert "<title>run</title>" not in run.stdout


def test_a_browser_shows_it_light_and_dark(chromium, html, tmp_path):
    import matplotlib.image

    (tmp_path / "benchmark.html").write_text(html, encoding="utf-8")
    for scheme in (0, 1):
        picture = tmp_path / f"{scheme}.png"
        options = (
            f"--screenshot={picture}",
            "--window-size=1280,3000",
            f"--blink-settings=preferredColorScheme={scheme}",
        )
        run = browse(chromium, tmp_path, f"file://{tmp_path}/benchmark.html", *options)
        assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
        pixels = matplotlib.image.imread(picture)[..., :3]
        paper = pixels[5, 5]
        assert (paper < 0.2).all() if scheme == 0 else (paper > 0.9).all()
        assert 0.01 < (np.abs(pixels - paper).max(axis=2) > 0.3).mean() < 0.5


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_never_wider_than_the_window(chromium, html, tmp_path, width):
    (tmp_path / "benchmark.html").write_text(html, encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f"""<iframe src="benchmark.html" style="width: {width}px; height: 900px; border: 0"></iframe><p></p><script>
        onload = () => {{
            const page = document.querySelector("iframe").contentDocument.documentElement;
            document.querySelector("p").textContent = "wide: " + page.scrollWidth;
        }}</script>"""
    )
    run = browse(chromium, tmp_path, f"file://{tmp_path}/frame.html", "--allow-file-access-from-files", "--dump-dom")
    assert f"wide: {width}<" in run.stdout
