"""How well significant changes are told from rewordings, on labelled pairs of sentences.

The pairs are in tests/data/changes: written ones, and ones of three releases of Django's
documentation, of which the file says where they stand in the archives that are in $TAMIS_DATA, by
default ../shared/data. Each file has two halves: rules and thresholds were chosen on the one, the
other checks them. The rules of `tamis.sync` are compared with the cosine of the default encoder and
with the ratio of words that difflib finds, each with the threshold of the best F1 on the half for
choosing.

    python benches/changes.py
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import tamis
from tamis.chunking.sentences import sentence_spans
from tamis.sync.changes import kinds

PAIRS = Path(__file__).parents[1] / "tests" / "data" / "changes"
DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a sentence, and what a reader said about them."""

    file: str
    half: str
    old: str
    new: str
    significant: bool
    kind: str


def main() -> None:
    pairs, lost = [*written()], 0
    with tempfile.TemporaryDirectory() as folder:
        for pair in django(Path(folder)):
            if pair is None:
                lost += 1
            else:
                pairs.append(pair)
    print(f"{lost} pairs of Django were not found again\n")
    methods: dict[str, tuple[Callable[[list[Pair]], np.ndarray], bool]] = {
        "tamis": (
            lambda pairs: np.array([-float(bool(kinds(p.old, p.new))) for p in pairs]),
            False,
        ),
        "cosine": (cosines, True),
        "difflib": (lambda pairs: np.array([ratio(pair) for pair in pairs]), True),
    }
    answers = {}
    print("| pairs | half | method | precision | recall | F1 |\n|---|---|---|---|---|---|")
    for name, (score, has_threshold) in methods.items():
        start = time.perf_counter()
        scores = score(pairs)
        took = (time.perf_counter() - start) / len(pairs)
        least = threshold(pairs, scores) if has_threshold else 0.0
        answers[name] = (scores < least, took, least)
    for files in (("written",), ("django",), ("written", "django")):
        for half in ("choosing", "checking"):
            for name, (found, _, _) in answers.items():
                chosen = np.array([p.file in files and p.half == half for p in pairs])
                print(
                    f"| {' and '.join(files)} | {half} | {name} | "
                    + " | ".join(f"{value:.3f}" for value in measures(pairs, found, chosen))
                    + " |"
                )
    recalls(pairs, {name: found for name, (found, _, _) in answers.items()})
    print("\n| method | threshold | ms a pair |\n|---|---|---|")
    for name, (_, took, least) in answers.items():
        print(f"| {name} | {f'{least:.3f}' if least else 'none'} | {1000 * took:.2f} |")


def measures(
    pairs: list[Pair], found: np.ndarray, chosen: np.ndarray
) -> tuple[float, float, float]:
    truth = np.array([pair.significant for pair in pairs])
    right = int(np.sum(found & truth & chosen))
    precision = right / max(1, int(np.sum(found & chosen)))
    recall = right / max(1, int(np.sum(truth & chosen)))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def threshold(pairs: list[Pair], scores: np.ndarray) -> float:
    """Give the least score of a rewording, by the best F1 on the half for choosing."""
    choosing = np.array([pair.half == "choosing" for pair in pairs])
    values = np.unique(scores[choosing])
    middles = [*((values[1:] + values[:-1]) / 2), values[-1] + 1e-6]
    return float(max(middles, key=lambda least: measures(pairs, scores < least, choosing)[2]))


def recalls(pairs: list[Pair], answers: dict[str, np.ndarray]) -> None:
    """Print the recall by kind on the half for checking."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, pair in enumerate(pairs):
        if pair.significant and pair.half == "checking":
            rows[pair.kind].append(row)
    print(
        f"\n| kind (checking) | pairs | {' | '.join(answers)} |\n|---|---|{'---|' * len(answers)}"
    )
    for kind, ids in sorted(rows.items()):
        shares = " | ".join(f"{np.mean(found[ids]):.2f}" for found in answers.values())
        print(f"| {kind} | {len(ids)} | {shares} |")


def cosines(pairs: list[Pair]) -> np.ndarray:
    encoder = tamis.Encoder()
    old = encoder.encode([pair.old for pair in pairs])
    new = encoder.encode([pair.new for pair in pairs])
    norms = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
    return np.asarray(np.sum(old * new, axis=1) / norms)


def ratio(pair: Pair) -> float:
    return difflib.SequenceMatcher(None, pair.old.split(), pair.new.split(), False).ratio()


def written() -> Iterator[Pair]:
    for line in (PAIRS / "written.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Pair("written", row["half"], row["old"], row["new"], row["significant"], row["kind"])


def django(folder: Path) -> Iterator[Pair | None]:
    """Find the sentences again; None for a pair of which one is not there."""

    @cache
    def release(name: str) -> Path | None:
        archive = DATA / "django_docs" / f"docs-{name}.tar.gz"
        if not archive.is_file():
            return None
        with tarfile.open(archive) as opened:
            opened.extractall(folder / name, filter="data")
        return next((folder / name).iterdir())

    @cache
    def sentences(name: str, path: str) -> dict[str, str]:
        top = release(name)
        if top is None or not (top / path).is_file():
            return {}
        text = tamis.read(str(top / path)).text
        found = [text[a:b] for a, b in sentence_spans(text)]
        return {hashlib.sha256(one.encode()).hexdigest()[:16]: one for one in found}

    for line in (PAIRS / "django.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        old = sentences(row["old_release"], row["path"]).get(row["old_hash"])
        new = sentences(row["new_release"], row["path"]).get(row["new_hash"])
        if old is None or new is None:
            yield None
        else:
            yield Pair("django", row["half"], old, new, row["significant"], row["kind"])


if __name__ == "__main__":
    main()
