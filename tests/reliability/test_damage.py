"""Damaged files, through the package: an error that names the file, or the right answer."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tamis
from tamis.errors import CorruptIndexError, FormatTooNewError, TamisError
from tests.fakes import WordEncoder
from tests.reliability.life import times
from tests.reliability.test_formats import answers, make

EACH = 200


def damaged(content: bytes, other: bytes, dice: random.Random) -> bytes | None:
    """Return what became of a file; None if it is gone."""
    at = dice.randrange(len(content))
    kinds: list[Callable[[], bytes | None]] = [
        lambda: content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :],
        lambda: content[:at] + dice.randbytes(1) + content[at + 1 :],
        lambda: content[:at] + dice.randbytes(4096) + content[at + 4096 :],
        lambda: content[:at] + b"\xff" * 8 + content[at + 8 :],
        lambda: content[:at],
        lambda: b"",
        lambda: content + dice.randbytes(64),
        lambda: other,
        lambda: None,
    ]
    return dice.choice(kinds)()


@pytest.mark.slow
def test_damage_is_an_error_that_names_the_file_or_changes_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    expected = answers(make(path))
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != "lock")
    contents = {file: file.read_bytes() for file in files}
    dice = random.Random(7)
    refused = right = 0
    for turn in range(EACH * times()):
        file = files[turn % len(files)]
        damage = damaged(contents[file], contents[dice.choice(files)], dice)
        file.unlink()
        if damage is not None:
            file.write_bytes(damage)
        fault: TamisError | None = None
        try:
            said = answers(tamis.open(path, encoder=WordEncoder(), reranker=None, read_only=True))
        except TamisError as error:
            fault = error
        if fault is None:
            assert said == expected
            right += 1
        else:
            assert isinstance(fault, (CorruptIndexError, FormatTooNewError))
            assert file.name in str(fault)
            assert tamis.verify(path)
            refused += 1
        file.unlink(missing_ok=True)
        file.write_bytes(contents[file])
    assert refused > 50
    assert right > 20
    assert answers(tamis.open(path, encoder=WordEncoder(), reranker=None)) == expected
    shutil.rmtree(path)
