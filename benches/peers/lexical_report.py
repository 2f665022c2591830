"""What the lexical benchmark found, as tables, as a comparison with its goals, and as plots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benches.peers import lexical, plots
from benches.peers.harness import Line
from benches.peers.lexical_race import DEPTHS, ROW
from benches.peers.timing import goal_table, shown, table

KINDS = {kind.name: kind for kind in (*lexical.OURS, *lexical.THEIRS)}
CAST = plots.Cast([kind.name for kind in lexical.OURS], [kind.name for kind in lexical.THEIRS])
OURS = lexical.Tamis.name
NOTE = """\
Equal terms for all, k1 = 1.2, b = 0.75, one query on one thread, ms, medians of {sittings} \
sittings. In a row: in turns of {row} queries. Cold: in turns of one, and the caches are filled \
with something else before each. tamis' time is from a Python string to arrays, what \
cuts the string (analyzer {analyzer!r}) included; the others are given terms, or a query that was \
parsed. "Same": share of {checked} queries whose best 10 are those of float64 with the same idf; \
tantivy keeps a length in a byte. Indexes are built from texts by tamis, by the others from their \
terms parted by blanks."""


def case(result: Line) -> Iterator[str]:
    """Yield the tables of a case."""
    yield f"## {result['label']}\n"
    for failure in result["failed"]:
        yield f"**Failed: {failure}**\n"
    mean, median, p99 = result["touched"]
    yield (
        f"{result['postings']:,} postings; {result['queries']:,} queries of {result['terms']:.1f} "
        f"terms in the mean, whose lists hold {mean:,} postings in the mean, {median:,} in the "
        f"median, {p99:,} at p99. Load before: {result['load']:.2f}.\n"
    )
    yield NOTE.format(**result, row=ROW) + "\n"
    for name, build in result["builds"].items():
        if "missing" in build:
            yield f"{name} is left out: {build['missing']}.\n"
    figures = Figures(result)
    if figures.lines:
        yield from _searches(figures)
        yield from _exact(figures)
    if figures.phrases:
        yield from _phrases(figures)
    yield from _builds(figures)


def _searches(figures: Figures) -> Iterator[str]:
    """Yield a table of latencies for each depth."""
    for k in DEPTHS:
        lines = sorted((line for line in figures.lines if line["k"] == k), key=_rank)
        header = [f"k = {k:,}", "in a row: mean", "p50", "p99", "cold: mean", "p50", "p99"]
        if k == DEPTHS[0]:
            header += ["its cutting, p50", f"{figures.threads} threads, q/s", "idf", "same"]
        yield table(header, (_search_row(figures, line)[: len(header)] for line in lines))
        yield ""


def _rank(line: Line) -> tuple[bool, float]:
    return line["name"] not in CAST.ours, line["mean"]


def _search_row(figures: Figures, line: Line) -> list[Any]:
    name = line["name"]
    found = figures.peers[name]
    cold = next(other for other in figures.cold if (other["name"], other["k"]) == (name, line["k"]))
    row = [name, *(each[key] for each in (line, cold) for key in ("mean", "p50", "p99"))]
    row += [found.get("cut_p50"), found.get("many")]
    return [*row, KINDS[name].idf, f"{found['same']:.3f}"]


def _exact(figures: Figures) -> Iterator[str]:
    """Yield how exact tamis is."""
    keys = ["name", "k", "queries", "wrong", "swapped"]
    yield table(
        ["against float64", "k", "queries", "wrong", "ties in other order", "largest error"],
        ([*(line[key] for key in keys), f"{line['score_error']:.1e}"] for line in figures.exact),
    )
    yield ""


def _phrases(figures: Figures) -> Iterator[str]:
    """Yield how fast words are found that follow one another."""
    header = [f"phrases of two words, k = {DEPTHS[-1]:,}", "mean", "p50", "p99", "same passages"]
    keys = ["name", "mean", "p50", "p99"]
    yield table(
        header, ([*(line[key] for key in keys), f"{line['same']:.2f}"] for line in figures.phrases)
    )
    yield ""


def _builds(figures: Figures) -> Iterator[str]:
    """Yield the table of what indexes cost."""
    rows = []
    for name, build in figures.builds.items():
        kind = KINDS[name]
        opened = [
            found["open_ms"]
            for other, found in figures.peers.items()
            if (KINDS[other].shares or KINDS[other]) is kind
        ]
        rows.append(
            [
                name,
                "yes" if kind.positions else "no",
                round(build["per_cpu_s"]),
                build["build_s"],
                build["build_cpu_s"],
                build["bytes"] / 1e6,
                figures.bytes_per_posting(name),
                opened[0] if opened else None,
            ]
        )
    header = ["index", "positions", "passages / CPU s", "s", "CPU s", "MB", "bytes / posting"]
    yield table([*header, "opening, ms"], rows)
    yield ""


class Figures:
    """Looks up figures of one case; what is not there is not a number."""

    def __init__(self, result: Line | None) -> None:
        result = result or {}
        race = result.get("race") or {}
        self.postings = result.get("postings", 0)
        self.threads = result.get("threads", 0)
        self.lines: list[Line] = race.get("lines", [])
        self.cold: list[Line] = race.get("cold", [])
        self.phrases: list[Line] = (result.get("phrases") or {}).get("lines", [])
        self.peers: dict[str, Line] = race.get("peers", {})
        self.exact: list[Line] = race.get("exact", [])
        self.builds: dict[str, Line] = {
            name: build
            for name, build in result.get("builds", {}).items()
            if "missing" not in build
        }

    def times(self, key: str, k: int, names: Iterable[str]) -> list[float]:
        """Return a figure of the searches of those that took part."""
        wanted = set(names)
        return [
            float(line[key]) for line in self.lines if line["k"] == k and line["name"] in wanted
        ]

    def to_best(self, key: str, k: int, peers: Iterable[str]) -> float:
        """Return a figure of tamis over the best one of some peers."""
        ours, theirs = self.times(key, k, [OURS]), self.times(key, k, peers)
        return min(ours) / min(theirs) if ours and theirs else float("nan")

    def many_to_best(self, peers: Iterable[str]) -> float:
        """Return tamis' queries a second over the most of some peers."""
        rates = {name: found["many"] for name, found in self.peers.items() if "many" in found}
        theirs = [rates[name] for name in peers if name in rates]
        return rates[OURS] / max(theirs) if theirs and OURS in rates else float("nan")

    def build_to(self, peer: type[lexical.Peer]) -> float:
        """Return the passages a CPU second of tamis over those of a peer of like positions."""
        ours = [
            self.builds[kind.name]["per_cpu_s"]
            for kind in lexical.OURS
            if kind.name in self.builds and kind.positions == peer.positions
        ]
        if not ours or peer.name not in self.builds:
            return float("nan")
        return float(max(ours) / self.builds[peer.name]["per_cpu_s"])

    def bytes_per_posting(self, name: str) -> float:
        """Return the size of an index."""
        if name not in self.builds:
            return float("nan")
        return float(self.builds[name]["bytes"] / self.postings)


def goals(results: list[Line]) -> str:
    """Return a table of what must be reached and what was, where it was measured."""
    cases = {result["size"]: Figures(result) for result in results}
    nothing = Figures(None)
    large, middle = cases.get("1000000", nothing), cases.get("200000", nothing)
    scifact = cases.get("scifact", nothing)
    pisa = [kind.name for kind in lexical.THEIRS if issubclass(kind, lexical.Pisa)]
    peers = [kind.name for kind in lexical.THEIRS]
    rows: list[tuple[str, str, float]] = [
        ("1M, k = 10, mean, / best of PISA", "<= 0.5", large.to_best("mean", 10, pisa)),
        ("1M, k = 10, p99, / best of PISA", "<= 0.4", large.to_best("p99", 10, pisa)),
        ("1M, k = 1,000, mean, / best peer", "<= 0.4", large.to_best("mean", 1000, peers)),
        ("200k, k = 10, mean, / best of PISA", "<= 0.7", middle.to_best("mean", 10, pisa)),
        ("200k, k = 1,000, mean, / best of PISA", "<= 0.4", middle.to_best("mean", 1000, pisa)),
        ("scifact, k = 10, p50, / best of PISA", "<= 0.8", scifact.to_best("p50", 10, pisa)),
        ("1M, 2 threads, q/s, / best of PISA", ">= 2", large.many_to_best(pisa)),
    ]
    for kind, least in ((lexical.Tantivy, ">= 1.0"), (lexical.TantivyPositions, ">= 0.8")):
        rows.append((f"1M, passages / CPU s, / {kind.name}", least, large.build_to(kind)))
    rows.append(("1M, bytes a posting", "<= 1.80", large.bytes_per_posting(OURS)))
    return goal_table([(what, goal, shown(value)) for what, goal, value in rows])


def draw(results: list[Line], folder: Path) -> None:
    """Write the plots: mean latency against the number of made passages, for each depth."""
    for k in DEPTHS:
        series: dict[str, list[tuple[float, float]]] = {}
        for result in results:
            for line in Figures(result).lines:
                if result["size"].isdigit() and line["k"] == k:
                    point = (float(result["size"]), line["mean"])
                    series.setdefault(line["name"], []).append(point)
        if series:
            plots.against_rows(
                {name: sorted(points) for name, points in series.items()},
                CAST,
                f"made passages, k = {k:,}, one thread",
                folder / f"lexical-passages-{k}.png",
                xlabel="passages",
                ylabel="mean latency, ms",
            )
