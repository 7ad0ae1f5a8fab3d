"""Sphinx configuration."""

import argparse
import re
from collections.abc import Iterator

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

import skdeepprune
from skdeepprune.cli import make_parser

# Targets in scikit-learn's own documentation that inherited docstrings refer to.
SCIKIT_LEARN_TARGETS = {"accuracy_score", "meta-estimator", "metadata_routing", "set_output"}

project = "skdeepprune"
author = "skdeepprune developers"
copyright = "skdeepprune developers"
version = release = skdeepprune.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]
default_role = "code"

toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # given in the numpydoc sections, with shapes
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skdeepprune"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_sidebars = {
    page: []
    for page in (
        "accuracy",
        "auto_examples/*",
        "bench",
        "changelog",
        "command_line",
        "contributing",
        "getting_started",
        "motifs",
        "negatives",
        "scanning",
        "user_guide",
    )
}
html_theme_options = {
    "logo": {"text": "skdeepprune", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "show_prev_next": False,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_math_renderer = "mathml"


class CommandLine(SphinxDirective):
    """Reference of the command line, generated from the parser: a section per command."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the parser may have changed even if the page has not
        commands = next(a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
        text = "\n".join(line for name, parser in commands.items() for line in _describe(name, parser))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _describe(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of the section of a command."""
    wanted = " ".join(_invocation(action) for action in parser._actions if action.required)
    yield from (name, "-" * len(name), "", parser.description or "", "")
    yield from (".. code-block:: console", "", f"   $ {parser.prog} {wanted} [options]".replace("  ", " "), "")
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        if actions:
            yield from (f".. rubric:: {(group.title or '').capitalize()}", "", ".. list-table::", "   :widths: 2 3", "")
        for action in actions:
            meaning = re.sub(r"--[a-z-]+", r"``\g<0>``", action.help or "")
            yield from (f"   * - ``{_invocation(action)}``", f"     - {meaning}")
        yield ""


def _invocation(action: argparse.Action) -> str:
    choices = "{" + ",".join(action.choices) + "}" if action.choices else None
    value = "" if action.nargs == 0 else action.metavar or choices or action.dest.upper()
    return f"{', '.join(action.option_strings)} {value}".strip()


def _visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _visit_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _leave_unlinked(app: Sphinx, env: object, node: nodes.Element, text: nodes.Element) -> nodes.Element | None:
    return text if node["reftarget"] in SCIKIT_LEARN_TARGETS else None


def setup(app: Sphinx) -> None:
    """Add the directive, and render formulas as MathML, without external scripts."""
    app.add_directive("command-line", CommandLine)
    app.connect("missing-reference", _leave_unlinked)
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_math_block, None))
