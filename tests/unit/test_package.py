"""The package as it is imported: cheap, complete, typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tamis


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, tamis; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "tamis" in loaded
    assert not loaded & {"numpy", "onnxruntime", "tokenizers", "docutils", "selectolax", "rich"}


def test_opening_an_index_loads_no_model(tmp_path: Path) -> None:
    code = (
        "import sys, tamis\n"
        f"tamis.open({str(tmp_path / 'x.tamis')!r})\n"
        "assert not {'onnxruntime', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", tamis.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tamis, name) is not None
    assert name in dir(tamis)


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "nothing"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(tamis, name)


def test_the_types_are_marked() -> None:
    assert (Path(tamis.__file__).parent / "py.typed").exists()
