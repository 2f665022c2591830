"""The examples in the docstrings run as they stand, and give what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import tamis


def _examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = [module.name for module in pkgutil.walk_packages(tamis.__path__, "tamis.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    tests = [test for module in modules for test in finder.find(module)]
    return [test for test in tests if any(doctest.SKIP not in e.options for e in test.examples)]


@pytest.mark.parametrize("test", _examples(), ids=lambda test: test.name)
def test_docstring(
    test: doctest.DocTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert outcome.failed == 0, capsys.readouterr().out
