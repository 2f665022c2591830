"""How many cores there are, work spread over threads, and values made once a process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamis.errors import InvalidInputError
from tamis.models import cores
from tamis.models.callers import cpu_quotas, spread
from tamis.models.lazy import PerProcess


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_the_variable_overrides_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_THREADS", "13")
    assert cores() == 13


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_wrong_variable_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TAMIS_THREADS", value)
    with pytest.raises(InvalidInputError, match=f"TAMIS_THREADS is '{value}'"):
        cores()


def test_a_process_bound_to_one_core_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAMIS_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cores() == 1


def test_a_system_that_cannot_bind_processes_has_all_its_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TAMIS_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr("tamis.models.callers.cpu_quotas", lambda *_: [])
    assert cores() == 5


@pytest.mark.parametrize(("quota", "expected"), [(0.4, 1), (2.9, 2), (99.0, 4)])
def test_a_quota_limits_but_leaves_one(
    monkeypatch: pytest.MonkeyPatch, quota: float, expected: int
) -> None:
    monkeypatch.delenv("TAMIS_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("tamis.models.callers.cpu_quotas", lambda *_: [quota])
    assert cores() == expected


def test_quotas_of_the_second_version_hold_for_all_groups_below(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "0::/a/b\n")
    write(tmp_path / "mount/a/b/cpu.max", "max 100000\n")
    write(tmp_path / "mount/a/cpu.max", "250000 100000\n")
    write(tmp_path / "cpu.max", "100000 100000\n")  # outside the mount
    assert cpu_quotas(tmp_path / "cgroup", tmp_path / "mount") == [2.5]


def test_quotas_of_the_first_version_are_those_of_its_cpu_controller(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "5:memory:/m\n4:cpu,cpuacct:/a\n3:cpuset:/s\n")
    for group, quota in (("cpu/a", 150_000), ("cpu", -1), ("m", 1000), ("s", 1000)):
        write(tmp_path / "mount" / group / "cpu.cfs_quota_us", f"{quota}\n")
        write(tmp_path / "mount" / group / "cpu.cfs_period_us", "50000\n")
    assert cpu_quotas(tmp_path / "cgroup", tmp_path / "mount") == [3.0]


def test_in_a_container_only_the_root_of_the_hosts_path_is_there(tmp_path: Path) -> None:
    write(tmp_path / "cgroup", "0::/docker/0123\n")
    write(tmp_path / "mount/cpu.max", "50000 100000\n")
    assert cpu_quotas(tmp_path / "cgroup", tmp_path / "mount") == [0.5]


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cpu_quotas(tmp_path / "cgroup", tmp_path) == []


@pytest.mark.parametrize("callers", [1, 2, 7])
def test_each_item_is_worked_on_once(callers: int) -> None:
    done: list[int] = []
    spread(done.append, range(100), callers)
    assert sorted(done) == list(range(100))


def test_as_many_work_at_once_as_there_are_callers() -> None:
    everyone = threading.Barrier(3, timeout=10)
    spread(lambda _: everyone.wait(), range(6), 3)  # raises BrokenBarrierError with fewer


def test_items_are_begun_in_order() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(50):
            taken.append(item)
            yield item

    spread(lambda _: None, items(), 4)
    assert taken == list(range(50))


@pytest.mark.parametrize("callers", [1, 4])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_nothing_more_is_begun(callers: int, error: type[BaseException]) -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise error

    with pytest.raises(error):
        spread(work, range(10_000), callers)
    assert len(begun) < 10_000


def test_an_error_of_the_items_is_raised() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        spread(lambda _: None, items(), 2)


def test_a_value_is_made_once_however_many_ask() -> None:
    made: list[object] = []
    everyone = threading.Barrier(8, timeout=10)

    def make() -> object:
        made.append(object())
        return made[-1]

    value = PerProcess(make)
    got: list[object] = []

    def ask(_: int) -> None:
        everyone.wait()
        got.append(value.get())

    spread(ask, range(8), 8)
    assert len(made) == 1
    assert got == made * 8


def test_a_value_that_could_not_be_made_is_tried_again() -> None:
    results: list[OSError | int] = [OSError("not yet"), 7]
    answers = iter(results)

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    value = PerProcess(make)
    with pytest.raises(OSError, match="not yet"):
        value.get()
    assert value.get() == 7


def in_a_forked_child(check: Callable[[], bool]) -> bool:
    """Return what `check` says in a forked child."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # ends a child that waits for good
        try:
            os._exit(0 if check() else 1)
        finally:  # whatever happens, the child must not go on with the tests
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_makes_its_own_value() -> None:
    value = PerProcess(os.getpid)
    parent = value.get()
    assert in_a_forked_child(lambda: value.get() == os.getpid() != parent)
    assert value.get() == parent


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    making, go_on = threading.Event(), threading.Event()

    def make() -> int:
        if threading.current_thread() is not threading.main_thread():
            making.set()
            go_on.wait(10)
        return os.getpid()

    value = PerProcess(make)
    thread = threading.Thread(target=value.get)
    thread.start()
    making.wait(10)
    assert in_a_forked_child(lambda: value.get() == os.getpid())
    go_on.set()
    thread.join()
    assert value.get() == os.getpid()
