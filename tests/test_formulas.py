"""What a spreadsheet would run in a table that a report offers."""

import base64
import io

import pandas as pd
import pytest

from skdeepprune.report._format import table


def read_back(frame):
    link = table("Title", "file.csv", frame)["link"]
    return pd.read_csv(io.BytesIO(base64.b64decode(link.partition(",")[2])), dtype=str, keep_default_na=False)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "-x", "+chr1", "=", "@"]
)
def test_formulas_become_text(text):
    found = read_back(pd.DataFrame({"name": [text, "plain"], text: ["a", "b"]}))
    assert found["name"].str.strip().tolist() == [f"'{text}".replace("\r", " ").strip(), "plain"]
    assert all(not name.startswith(tuple("=+-@\t\r")) for name in found.columns)


@pytest.mark.parametrize("text", ["+", "-", "-1.5", "+3", "chr1:5-9", "a=b", "", "peak_1", "x@y"])
def test_strands_numbers_and_names_stay(text):
    assert read_back(pd.DataFrame({"name": [text], "number": [-1.5]})).iloc[0].tolist() == [text, "-1.5"]
