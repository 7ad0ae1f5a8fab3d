"""A report on a fitted classifier: one self-contained HTML file."""

from skdeepprune.report._report import write_report

__all__ = ["write_report"]
