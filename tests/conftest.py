"""What several test files need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tamis.errors import ModelUnavailableError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """Give a copy of the example handbook that may be changed."""
    return Path(shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook"))


@pytest.fixture(scope="session")
def pinned_models() -> None:
    """Fetch the pinned models, or skip where that is impossible."""
    from tamis.models import fetch, find

    for name in ("bge-small-en-v1.5", "ms-marco-MiniLM-L-12-v2"):
        try:
            fetch(find(name))
        except ModelUnavailableError as error:
            pytest.skip(f"{name} cannot be fetched: {error}")


@pytest.fixture(scope="session")
def data() -> Path:
    """Give the folder of the shared evaluation sets, or skip where there is none."""
    folder = Path(os.environ.get("TAMIS_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"there are no evaluation sets in {folder}; set TAMIS_DATA")
    return folder
