"""The README's Python runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)


@pytest.mark.models
@pytest.mark.usefixtures("pinned_models", "handbook")
def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == 4
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "28 added" in printed
    assert "Section 4.2 Early termination" in printed
    assert "Stale(document_id='handbook/policies/remote-work-2025.md', reason='changed')" in printed
    assert "('amount',)" in printed
    assert "fees-2030, chars 0-18" in printed
    assert "4.2(b) From the end of the second Contract Year" in printed
