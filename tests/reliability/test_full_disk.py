"""A disk that is full at any point of a commit: old answers stay, and room makes it good."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# In a mount namespace of its own, where the process may mount a small disk.
SCRIPT = """
import subprocess, sys
from pathlib import Path
from tamis.errors import StorageError
from tests.reliability.life import content_of, open_index

disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
refused = 0
for left in (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128):
    path = disk / f"x{left}.tamis"
    index = open_index(path)
    index.add([{"id": "old", "text": "red boat"}])
    index.commit()
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            pass
    with filler.open("r+b") as file:
        size = file.seek(0, 2)
        file.truncate(max(0, size - left * 1024))
    new = [{"id": f"n{i}", "text": "green laser " * 200 + str(i)} for i in range(8)]
    index.add(new)
    try:
        index.commit()
    except StorageError as error:
        refused += 1
        assert str(path) in str(error), error
        assert content_of(index) == content_of(open_index(path)) == {"old": "red boat"}
        assert index.search("boat")[0].document_id == "old"
    filler.unlink()
    index.commit()
    assert len(content_of(open_index(path))) == 9
    assert index.verify() == []
    assert len(list((path / "segments").iterdir())) == index.info()["segments"]
    subprocess.run(["rm", "-r", path], check=True)
print(refused)
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_a_full_disk_is_an_error_and_room_makes_it_good(tmp_path: Path) -> None:
    enter = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace may be made here")
    done = subprocess.run(
        [*enter, sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5
