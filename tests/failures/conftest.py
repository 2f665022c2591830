"""The example handbook, indexed with the pinned models."""

from __future__ import annotations

from pathlib import Path

import pytest

import tamis

HANDBOOK = Path(__file__).resolve().parents[2] / "examples" / "handbook"


@pytest.fixture(scope="session")
def handbook_index(pinned_models: None, tmp_path_factory: pytest.TempPathFactory) -> tamis.Index:
    index = tamis.open(tmp_path_factory.mktemp("handbook") / "handbook.tamis")
    index.sync(HANDBOOK)
    return index
