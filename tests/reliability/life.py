"""A life of an index, the same for each seed, and what the index must hold after each step."""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tamis
from tests.fakes import WordEncoder

WORDS = ["red", "green", "blue", "boat", "laser", "refund", "thirty", "days"]


def times() -> int:
    """Return how many times more than usual a test is to be repeated."""
    return int(os.environ.get("TAMIS_TORTURE", "1"))


def open_index(path: Path, encoder: WordEncoder | None = None) -> tamis.Index:
    return tamis.open(path, encoder=encoder or WordEncoder(), reranker=None)


def content_of(index: tamis.Index) -> dict[str, str]:
    """Return the texts that an index holds."""
    return {document.id: document.text for document in index.documents()}


@dataclass
class Life:
    """Steps by number, and what the index holds when they are done.

    Attributes
    ----------
    seed : int
        Which life.
    versions : dict of int to dict of str to str
        The texts of each version that was not pruned.
    done : int
        How many steps were done.
    """

    seed: int
    versions: dict[int, dict[str, str]] = field(default_factory=lambda: {0: {}})
    done: int = 0

    @property
    def newest(self) -> int:
        return max(self.versions)

    @property
    def content(self) -> dict[str, str]:
        """What the newest version holds."""
        return self.versions[self.newest]

    def _dice(self) -> random.Random:
        return random.Random(f"{self.seed} {self.done}")

    def do(self, index: tamis.Index) -> int:
        """Do the next step and return the version that is the newest then."""
        dice = self._dice()
        match self._kind(dice):
            case "commit":
                new, gone = self._change(dice)
                index.add({"id": id, "text": text} for id, text in new.items())
                index.delete(gone)
                index.commit()
            case "compact":
                index.compact()
            case "rollback":
                index.rollback(dice.choice(sorted(self.versions)))
            case "prune":
                index.prune(keep=dice.randrange(1, 6))
        return index.version

    def note(self, newest: int) -> None:
        """Follow a step that was done and made this version the newest."""
        dice = self._dice()
        match self._kind(dice):
            case "commit":
                new, gone = self._change(dice)
                left = {id: text for id, text in self.content.items() if id not in gone}
                self.versions[newest] = left | new
            case "compact":
                self.versions[newest] = self.content
            case "rollback":
                self.versions[newest] = self.versions[dice.choice(sorted(self.versions))]
            case "prune":
                self.versions = dict(sorted(self.versions.items())[-dice.randrange(1, 6) :])
        self.done += 1

    @staticmethod
    def _kind(dice: random.Random) -> str:
        return dice.choices(["commit", "compact", "rollback", "prune"], [12, 3, 1, 2])[0]

    def _change(self, dice: random.Random) -> tuple[dict[str, str], list[str]]:
        new = {
            f"d{dice.randrange(40)}": " ".join(dice.choices(WORDS, k=dice.randrange(1, 60)))
            + f" step {self.done}"
            for _ in range(dice.randrange(1, 12))
        }
        gone = dice.sample(sorted(self.content), min(len(self.content), dice.randrange(4)))
        return new, [id for id in gone if id not in new]


def in_child(run: Callable[[], None]) -> int:
    """Run a function in a forked child, which then ends with 0 or, on an error, 1."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run()
        status = 0
    except Exception:  # noqa: BLE001 (told, and the child must not go on as a second pytest)
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int, within: float) -> int:
    """Wait for a child and return its exit status; kill it and fail if it hangs."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError(f"the child hangs after {within} s")
