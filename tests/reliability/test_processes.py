"""Processes that die, fork, race and read along: nothing is lost, nothing hangs."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest

import tamis
from tamis.errors import IndexLockedError, InvalidInputError
from tests.reliability.life import Life, content_of, ended, in_child, open_index, times

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


def live(path: Path, life: Life, told: int) -> None:
    """Go on with a life for ever, and tell each step that was done."""
    index = open_index(path)
    while True:
        version = life.do(index)
        os.write(told, f"{version}\n".encode())
        life.note(version)


@pytest.mark.slow
def test_a_process_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    open_index(path).close()
    life = Life(seed=1)
    dice = random.Random(2)
    for _ in range(50 * times()):
        reads, writes = os.pipe()
        child = in_child(partial(live, path, life, writes))
        os.close(writes)
        time.sleep(dice.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reads) as acknowledged:
            for line in acknowledged:
                life.note(int(line))

        start = time.monotonic()
        index = open_index(path)
        assert time.monotonic() - start < 1
        assert index.version in (life.newest, life.newest + 1)
        if index.version > life.newest:
            # The step that was under way is done, and was not told.
            life.note(index.version)
        assert content_of(index) == life.content
        listed = index.versions()
        assert set(listed) <= life.versions.keys()
        life.versions = {version: life.versions[version] for version in listed}
        old = dice.choice(listed)
        assert content_of(tamis.open(path, encoder=None, version=old)) == life.versions[old]
        assert index.verify() == []
    assert life.done > 100

    # What the dead left behind goes.
    index = open_index(path)
    index.compact()
    index.prune(keep=1)
    assert len(list((path / "segments").iterdir())) == index.info()["segments"]


@pytest.mark.slow
def test_readers_go_on_under_commits_and_compaction(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    index = open_index(path)
    ids = [f"d{i}" for i in range(30)]

    def publish(mark: int) -> None:
        index.add({"id": id, "text": f"boat {id} mark{mark}"} for id in ids)
        index.commit()

    publish(0)
    end = time.monotonic() + 15 * times()

    def read() -> None:
        reader = open_index(path)
        version, rounds = reader.version, 0
        while time.monotonic() < end:
            assert reader.refresh() >= version
            version = reader.version
            first = reader.search("boat", k=100).to_dict()["hits"]
            marks = {hit["text"].split()[-1] for hit in first}
            assert len(first) == len(ids)
            assert len(marks) == 1, marks
            assert reader.search("boat", k=100).to_dict()["hits"] == first
            assert content_of(reader).keys() == set(ids)
            rounds += 1
        assert rounds > 20

    children = [in_child(read) for _ in range(4)]
    mark = 0
    while time.monotonic() < end:
        mark += 1
        publish(mark)
        if mark % 5 == 0:
            index.compact()
        if mark % 7 == 0:
            index.prune(keep=2)
    assert [ended(child, 20) for child in children] == [0] * 4
    assert mark > 10


def test_the_second_writer_is_told_at_once_and_a_dead_ones_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    index = open_index(path)
    index.add([{"id": "a", "text": "red"}])
    reads, writes = os.pipe()

    def hold() -> None:
        with open_index(path)._writing():
            os.write(writes, b"held")
            time.sleep(60)

    child = in_child(hold)
    assert os.read(reads, 4) == b"held"
    start = time.monotonic()
    with pytest.raises(IndexLockedError, match=f"process {child}"):
        index.commit()
    assert time.monotonic() - start < 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert index.commit() == 1


def test_batches_that_race_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    open_index(path).close()

    def write(who: int) -> None:
        index = open_index(path)
        for batch in range(15):
            index.add([{"id": f"{who}-{batch}", "text": "red"}])
            while True:
                try:
                    index.commit()
                    break
                except IndexLockedError:
                    time.sleep(0.001)

    children = [in_child(partial(write, who)) for who in (0, 1)]
    assert [ended(child, 60) for child in children] == [0, 0]
    expected = {f"{who}-{batch}" for who in (0, 1) for batch in range(15)}
    assert content_of(open_index(path)).keys() == expected


def test_the_child_of_a_killed_writer_does_not_keep_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    open_index(path).close()
    reads, writes = os.pipe()

    def write() -> None:
        with open_index(path)._writing():
            grandchild = in_child(lambda: time.sleep(20))
            os.write(writes, str(grandchild).encode())
            time.sleep(60)

    child = in_child(write)
    grandchild = int(os.read(reads, 20))
    time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    try:
        index = open_index(path)
        index.add([{"id": "a", "text": "red"}])
        assert index.commit() == 1
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_a_child_cannot_commit_for_its_parent_and_the_parent_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.tamis"
    index = open_index(path)
    with index._writing() as writer:
        index.add([{"id": "a", "text": "red"}])
        fresh = [new.document for new in index._pending.values()]
        prepared, _ = index._prepare(fresh, None, {})
        index._write(writer, prepared)

        def steal() -> None:
            with pytest.raises(InvalidInputError, match="forked from"):
                writer.commit("{}")

        assert ended(in_child(steal), 10) == 0
        with pytest.raises(IndexLockedError):
            open_index(path).compact()
        assert writer.commit(index._snapshot.extra).version == 1
    index._forget()
    assert content_of(open_index(path)) == {"a": "red"}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_in_the_midst_of_searches_searches_too(tmp_path: Path) -> None:
    index = open_index(tmp_path / "x.tamis")
    index.add({"id": f"d{i}", "text": f"boat {i} red"} for i in range(2000))
    index.commit()
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            assert len(index.search("boat", k=20)) == 20

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:

        def in_the_child() -> None:
            assert len(index.search("boat red", k=20)) == 20

        for _ in range(10 * times()):
            assert ended(in_child(in_the_child), 10) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
