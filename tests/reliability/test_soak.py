"""Minutes of everything at once: memory, files and disk stay as they are."""

from __future__ import annotations

import gc
import os
import random
import time
from pathlib import Path

import pytest

from tests.fakes import WordEncoder
from tests.reliability.life import Life, content_of, open_index


def resident() -> int:
    """Return the memory of this process that no file stands for, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not tell the memory of a process")


@pytest.mark.slow
@pytest.mark.skipif("TAMIS_TORTURE" not in os.environ, reason="takes minutes: make torture")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_nothing_grows(tmp_path: Path) -> None:
    seconds = float(os.environ.get("TAMIS_SOAK_SECONDS", "180"))
    path = tmp_path / "x.tamis"
    encoder = WordEncoder()
    index = open_index(path, encoder)
    life, dice = Life(seed=5), random.Random(6)
    start = time.monotonic()
    memory: list[tuple[float, int]] = []
    files: list[int] = []
    while (now := time.monotonic() - start) < seconds:
        life.note(life.do(index))
        for _ in range(3):
            index.search(" ".join(dice.choices(["red", "boat", "days", "step"], k=2)), k=5)
        if life.done % 20 == 0:
            assert content_of(index) == life.content
            encoder.encoded.clear()  # a list of its own, for other tests
            gc.collect()
            if now > seconds / 4:
                memory.append((now, resident()))
                files.append(len(list(Path("/proc/self/fd").iterdir())))
    half = len(memory) // 2
    grown = (
        sum(size for _, size in memory[half:]) / len(memory[half:])
        - sum(size for _, size in memory[:half]) / half
    )
    minutes = (memory[-1][0] - memory[0][0]) / 2 / 60
    slope = grown / minutes * 10
    index.compact()
    index.prune(keep=1)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{life.done} steps, {slope / 2**20:.2f} MiB in 10 minutes, files {set(files)}")
    assert slope < 1 << 20
    assert max(files) == min(files)
    assert size <= 2.5 * index.info()["bytes"]
    assert len(list((path / "segments").iterdir())) == index.info()["segments"]
