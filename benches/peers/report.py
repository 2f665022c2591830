"""What the dense benchmark found, as tables, as a comparison with its goals, and as plots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benches.peers import dense, plots
from benches.peers.harness import Line
from benches.peers.timing import goal_table, short, shown, table

EXACT = dense.TamisExact.name
CAST = plots.Cast(
    [kind.name for kind in dense.OURS],
    [kind.name for kind in dense.THEIRS],
    dashed=f"{dense.TamisFast.name} >= {max(dense.TamisFast.targets)}",
)


def case(result: Line) -> Iterator[str]:
    """Yield the tables of a case."""
    yield f"## {result['label']}\n"
    for failure in result["failed"]:
        yield f"**Failed: {failure}**\n"
    if "exactness" in result:
        yield from _exactness(result)
        return
    cosines = ", ".join(f"{cosine:.3f}" for cosine in result["cosines"])
    yield (
        f"Median cosine at rank 1, 10, 100: {cosines}. Times in ms; one query, one thread. Load "
        f"before: {result['load']:.2f}.\n"
    )
    lines = ranked(result)
    header = "recall@10|p50|p99|/ read|calls|2 threads p50|64 at once, q/s"
    header += "|build s|build CPU s|MB|RSS + MB"
    keys = ["recall", "p50", "p99", "ratio", "calls", "pair_p50", "batch"]
    keys += ["build_s", "build_cpu_s", "bytes", "resident"]
    if any("row_p50" in line for line in lines):
        header, keys = header + "|in a row p50", [*keys, "row_p50"]
    yield table(
        ["k = 10", "setting", *header.split("|")], cells(lines, 10, ["name", "setting", *keys])
    )
    yield ""
    yield table(
        ["k = 100", "setting", "recall@100", "p50", "p99", "/ read", "calls"],
        cells(lines, 100, ["name", "setting", "recall", "p50", "p99", "ratio", "calls"]),
    )
    yield ""
    groups = [group for group in result["groups"] if group]
    if len(groups) > 1:
        ratios = [
            short(line["ratio"])
            for number in range(len(groups))
            for line in lines
            if (line["group"], line["name"], line["k"], line["level"]) == (number, EXACT, 10, "")
        ]
        yield f"tamis exact / read, k = 10, in each of the groups: {', '.join(ratios)}.\n"
    missing = {name: why for group in groups for name, why in group["missing"].items()}
    for name, why in missing.items():
        yield f"{name} is left out: {why}.\n"
    yield from _ours(result, groups)


def _ours(result: Line, groups: list[Line]) -> Iterator[str]:
    """Yield what only tamis is asked."""
    if not groups:
        return
    case, first = result["case"], groups[0]
    keys = ["name", "k", "level", "passed", "refined", "rescored", "rescored_p90"]
    yield table(
        ["rows", "k", "level", "passed, median", "refined, median", "rescored, median", "p90"],
        [[line[key] for key in keys] for line in first["work"]],
    )
    per_million = [
        f"{level} {count / case['rows']:.0f} MB" for level, count in first["memory"].items()
    ]
    yield f"\nMemory of a million vectors by level: {', '.join(per_million)}.\n"
    if first["filters"]:
        unfiltered = first["filters"][0]["p50"]
        yield table(
            ["rows that pass", "exact p50", "/ unfiltered", "answers other than f32's, of 10"],
            [
                [line["share"], line["p50"], line["p50"] / unfiltered, line["differences"]]
                for line in first["filters"]
            ],
        )
        yield ""
    if opening := result["opening"]:
        size = opening["vectors"]
        yield (
            f"Saved {opening['file'] / 1e6:,.0f} MB ({opening['file'] / size:.2f} of the f32 "
            f"vectors). Opened in {opening['open_ms']:.2f} ms (median of 5, file cached), first "
            f"query {opening['first_ms']:.1f} ms. Resident after opening "
            f"{opening['opened'] / 1e6:,.1f} MB, after the first query "
            f"{opening['first_asked'] / 1e6:,.0f} MB, after 200 {opening['asked'] / 1e6:,.0f} MB "
            f"({opening['asked'] / size:.2f} of the vectors). Of a file that is not cached, 200 "
            f"queries read {opening['read'] / 1e6:,.0f} MB ({opening['read'] / size:.2f}).\n"
        )


def _exactness(result: Line) -> Iterator[str]:
    """Yield the table of what differed."""
    keys = ["level", "queries", "batch_10", "single_10", "batch_100", "single_100"]
    keys += ["float64", "beyond", "score_error", "regret", "slack"]
    header = "kernels|queries|k = 10, at once|one by one|k = 100, at once|one by one"
    header += "|rows other than float64's|beyond rounding|largest error of a score"
    header += "|largest loss of a rank|rounding bound"
    rows = [
        [f"{line[key]:.1e}" if isinstance(line[key], float) else line[key] for key in keys]
        for line in result["exactness"]
        if line
    ]
    yield (
        "Queries whose exact answer (rows, order, bits of scores) is not that of the f32 scan; "
        "then those whose f32 answer, k = 100 (rows, order), is not that of float64, and how far.\n"
    )
    yield table(header.split("|"), rows)


def ranked(result: Line) -> list[Line]:
    """Return the lines of all groups, with ratios; tamis first, peers by their latency."""
    lines = []
    runs = [(run, number, False) for number, run in enumerate(result["groups"])]
    runs += [(run, number, True) for number, run in enumerate(result["forced"])]
    main_level = next((run["level"] for run, _, _ in runs if run), "")
    for run, number, forced in runs:
        if not run or (forced and run["level"] == main_level):
            continue
        read = {line["k"]: line["p50"] for line in run["lines"] if line["name"] == "read"}
        for line in run["lines"]:
            ours = line["name"].startswith(("tamis", "read"))
            lines.append(
                line
                | {
                    "group": number,
                    "level": run["level"] if forced else "",
                    "ratio": line["p50"] / read[line["k"]] if "p50" in line else None,
                    "rank": (
                        line["name"] != "read",
                        not ours,
                        forced,
                        0 if ours else line.get("p50", np.inf),
                    ),
                }
            )
    return sorted(lines, key=lambda line: line["rank"])


def cells(lines: Iterable[Line], k: int, keys: list[str]) -> Iterator[list[Any]]:
    """Yield rows of a table; of tamis and the mark only the first group's."""
    for line in lines:
        if line["k"] != k or not _first(line):
            continue
        row = dict(line)
        if line["level"]:
            row["name"] = f"{line['name']}, {line['level']}"
        for key in {"bytes", "resident"} & row.keys():
            row[key] = round(row[key] / 1e6)
        if "recall" in row:
            row["recall"] = f"{row['recall']:.4f}"
        yield [row.get(key) for key in keys]


def _first(line: Line) -> bool:
    """Whether it is a peer's, or of the first group or a forced level of what is in each group."""
    return bool(
        not line["group"] or line["level"] or not line["name"].startswith(("tamis", "read"))
    )


class Figures:
    """Looks up figures of one case; what is not there is not a number."""

    def __init__(self, result: Line | None) -> None:
        self.result = result
        self.lines = ranked(result) if result else []

    def get(self, name: str, key: str, k: int = 10, level: str = "") -> float:
        """Return a figure of a contestant, by default with the best instruction set."""
        for line in self.lines:
            if (line["name"], line["k"], line["level"]) == (name, k, level):
                return float(line.get(key, np.nan))
        return float("nan")

    def levels(self, name: str, key: str, k: int = 10, over: float = 1) -> str:
        """Return a figure over another one, for each instruction set."""
        levels = dict.fromkeys(["", *(line["level"] for line in self.lines)])
        return " / ".join(shown(self.get(name, key, k, level) / over) for level in levels)

    def best_batch(self) -> float:
        """Return the queries a second of the best exact peer."""
        exact = {kind.name for kind in dense.THEIRS if not kind.efforts} - {dense.UsearchI8.name}
        return max(
            (line["batch"] for line in self.lines if line["name"] in exact and "batch" in line),
            default=float("nan"),
        )


def goals(results: list[Line]) -> str:
    """Return a table of what must be reached and what was, where it was measured.

    Figures are of the best instruction set, then of the forced ones.
    """
    cases = {result["label"]: Figures(result) for result in results}
    nothing = Figures(None)
    small, middle, large = (cases.get(f"{n} x 384", nothing) for n in ("10k", "100k", "1M"))
    rows = [
        *_exact_goals("1M", large, ("0.18, AVX2 0.20", "0.18, AVX2 0.20")),
        *_exact_goals("100k", middle, ("0.20, AVX2 0.22", "0.33")),
        *_small_goals(small),
        *_fast_goals(middle, large),
        *_other_goals("100k", middle),
        *_other_goals("1M", large),
    ]
    return goal_table(rows)


def _exact_goals(n: str, figures: Figures, most: tuple[str, str]) -> Iterator[list[str]]:
    for k, goal in zip((10, 100), most, strict=True):
        yield [f"exact, {n}, k = {k}, / read", f"<= {goal}", figures.levels(EXACT, "ratio", k)]


def _small_goals(figures: Figures) -> Iterator[list[str]]:
    for key, how in (("p50", "in turns"), ("row_p50", "in a row")):
        ratio = figures.levels(EXACT, key, over=figures.get(dense.FaissPanorama.name, key))
        yield [f"exact, 10k, / Panorama, {how}", "<= 0.4", ratio]


def _fast_goals(middle: Figures, large: Figures) -> Iterator[list[str]]:
    hnsw, scann = dense.FaissHnsw.name, dense.ScannAh.name
    for target in dense.TamisFast.targets:
        name = f"{dense.TamisFast.name} >= {target}"
        what = f"fast, recall {target}"
        yield [f"{what}, 1M, / read", "<= 0.06, AVX2 0.08", large.levels(name, "ratio")]
        ratio = middle.levels(name, "p50", over=middle.get(hnsw, "p50"))
        yield [f"{what}, 100k, / HNSW", "<= 1.5", ratio]
    for figures, n, peer, most in ((large, "1M", scann, 0.15), (middle, "100k", hnsw, 0.05)):
        ratio = figures.levels(EXACT, "build_cpu_s", over=figures.get(peer, "build_cpu_s"))
        yield [f"build CPU s, {n}, / {peer}", f"<= {most}", ratio]
    ratio = middle.levels(EXACT, "batch", over=middle.best_batch())
    yield ["64 at once, 100k, / best exact peer", ">= 3, AVX2 1.5", ratio]


def _other_goals(n: str, figures: Figures) -> Iterator[list[str]]:
    ratio = figures.get(EXACT, "pair_ratio")
    yield [f"two threads, {n}, / own one thread", "<= 0.60", shown(ratio)]
    result = figures.result or {}
    if opening := result.get("opening"):
        yield [f"opening {n}, ms", "<= 20", shown(opening["open_ms"])]
        share = opening["read"] / opening["vectors"]
        what = f"read of a cold file by 200 queries, {n}, / f32"
        yield [what, "<= 0.42", shown(share)]
    filters = [line["p50"] for group in result.get("groups", [])[:1] for line in group["filters"]]
    if filters:
        yield [f"slowest filter, {n}, / unfiltered", "<= 1.1", shown(max(filters) / filters[0])]


def draw(results: list[Line], folder: Path) -> None:
    """Write the plots: latency against recall for each case, and against the number of rows."""
    by_rows: dict[str, list[tuple[float, float]]] = {}
    for result in results:
        lines = [line for line in ranked(result) if line["k"] == 10 and not line["level"]]
        plots.against_recall(
            dict(_recall_series(result, lines)),
            CAST,
            f"{result['label']}, k = 10, one thread",
            folder / f"dense-recall-{re.sub(r'[^a-zA-Z0-9]+', '-', result['label'])}.png",
        )
        size = result["case"]
        for line in lines:
            if not size["real"] and size["dim"] == 384 and line["ratio"] and _first(line):
                by_rows.setdefault(line["name"], []).append((size["rows"], line["p50"]))
    if by_rows:
        series = {name: sorted(points) for name, points in by_rows.items()}
        title = "384 dimensions, k = 10, one thread"
        plots.against_rows(series, CAST, title, folder / "dense-rows.png")


def _recall_series(
    result: Line, lines: list[Line]
) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield the exact contestants as points, the others as lines of rising recall."""
    for line in lines:
        if not line.get("setting") and line["ratio"] and line["name"] != "read" and _first(line):
            yield line["name"], [(line["recall"], line["p50"])]
    curves: dict[str, list[tuple[float, float]]] = {}
    for number, group in enumerate(result["groups"]):
        for point in group["curve"] if group else []:
            curve = curves.setdefault(point["name"], [])
            if number == 0 or not point["name"].startswith("tamis"):
                curve.append((point["recall"], point["p50"]))
    yield from ((name, sorted(curve)) for name, curve in curves.items())
