"""What several test files need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tamis.errors import ModelUnavailableError
from tests.tiny_models import write_models

# How long an example takes depends on what else the machine does.
settings.register_profile("tamis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tamis")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """Give a copy of the example handbook that may be changed."""
    return Path(shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Register the tiny models for the tests of a module, and make no network call possible."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_MODELS", str(write_models(folder)))
        patch.setenv("TAMIS_CACHE", str(folder / "cache"))
        yield folder


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
    """Give the folder of the public evaluation sets, or skip where there is none."""
    folder = Path(os.environ.get("TAMIS_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"there are no evaluation sets in {folder}; set TAMIS_DATA")
    return folder
