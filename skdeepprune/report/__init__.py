"""A fitted classifier as a page to read: one HTML file that holds all its data."""

from skdeepprune.report._report import write_report

__all__ = ["write_report"]
