"""Old releases of a text stay in the index, and never answer in the place of the current one."""

from __future__ import annotations

from pathlib import Path

import tamis
from tests.fakes import OverlapReranker, WordEncoder


def test_of_three_releases_the_newest_answers(tmp_path: Path) -> None:
    index = tamis.open(tmp_path / "x.tamis", encoder=WordEncoder(), reranker=OverlapReranker())
    previous = None
    for release, days in (("2023", 30), ("2024", 60), ("2025", 45)):
        folder = tmp_path / release
        folder.mkdir()
        # The older, the nearer to the question.
        more = " of the yearly audit" * (release != "2025")
        (folder / "leave.md").write_text(f"# Leave\n\nThe notice period{more} is {days} days.\n")
        index.sync(folder, valid_from=f"{release}-01-01", supersedes=previous)
        previous = release
    question = "notice period of the yearly audit"
    everything = [hit.document_id for hit in index.search(question, include_superseded=True)]
    assert everything.index("2023/leave.md") < everything.index("2025/leave.md")
    assert [hit.document_id for hit in index.search(question)] == ["2025/leave.md"]
    assert [hit.document_id for hit in index.search(question, as_of="2024-06-01")] == [
        "2024/leave.md"
    ]
    context = index.search(question, include_superseded=True).context(min_confidence=0)
    assert "(superseded by 2024/leave.md)" in context.text
