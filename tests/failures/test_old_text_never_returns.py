"""A change of one number is a change: the old text leaves, and only its chunk is embedded again."""

from __future__ import annotations

from pathlib import Path

import tamis
from tests.fakes import OverlapReranker, WordEncoder

OLD, NEW = "for up to 60 days in a calendar year", "for up to 45 days in a calendar year"


def test_one_changed_number_replaces_one_chunk(handbook: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    index = tamis.open(tmp_path / "h.tamis", encoder=encoder, reranker=OverlapReranker())
    index.sync(handbook)
    encoder.encoded.clear()

    policy = handbook / "policies" / "remote-work-2025.md"
    policy.write_text(policy.read_text().replace(OLD, NEW))
    report = index.sync(handbook)
    assert report.changed == ("handbook/policies/remote-work-2025.md",)
    assert len(report.unchanged) == 27
    assert report.embedded == 1
    assert [text for text in encoder.encoded if NEW in text] == encoder.encoded

    texts = [hit.text for hit in index.search("work abroad days in a calendar year", k=500)]
    assert any(NEW in text for text in texts)
    assert not any(OLD in text for text in texts)
