"""A test that is skipped for a reason nobody has reviewed fails."""

from pathlib import Path

pytest_plugins = ["pytester"]
CONFTEST = Path(__file__).with_name("conftest.py")


def test_a_whole_file_is_not_skipped_either(pytester):
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile(test_file="import pytest; pytest.skip('later', allow_module_level=True)")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(errors=1)


def test_only_reviewed_reasons_skip(pytester):
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile("""
        import pytest

        def test_known():
            pytest.skip("needs a shell")

        def test_unknown():
            pytest.skip("does not work today")

        @pytest.mark.skipif(True, reason="neither")
        def test_unknown_mark(): ...

        @pytest.mark.xfail(reason="known fault")
        def test_expected():
            assert False

        def test_import():
            pytest.importorskip("no_such_module_anywhere")
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(skipped=1, failed=2, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*does not work today*none of the SKIPS*"])
