"""The main job of tamis, on the handbook of an invented company beside this file.

Indexes 28 files, asks eight questions, shows where either retriever alone goes wrong and what
happens when the documents hold no answer; then changes one number in one file and syncs again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

import tamis
from tamis.types import Hit

EXAMPLES = Path(__file__).parent
OLD, NEW = "for up to 60 days", "for up to 45 days"

console = Console(highlight=False, soft_wrap=False, width=100 if not sys.stdout.isatty() else None)


def main() -> None:
    """Run the demo."""
    questions = tomllib.loads((EXAMPLES / "questions.toml").read_text())["question"]
    with tempfile.TemporaryDirectory() as folder:
        handbook = Path(folder) / "handbook"
        shutil.copytree(EXAMPLES / "handbook", handbook)
        index = tamis.open(Path(folder) / "handbook.tamis")

        heading("1. Index a folder")
        synced(index, handbook)

        heading("2. Ask")
        for question in questions:
            ask(index, question)

        heading("3. Why both retrievers")
        compare(index, [q for q in questions if q["quote"]])

        heading("4. When the documents do not hold the answer")
        [unanswerable] = [q for q in questions if not q["quote"]]
        results = index.search(unanswerable["question"])
        context = results.context(max_tokens=500)
        nearest = max(results, key=lambda hit: hit.scores.get("cosine", -1.0))
        say(f"[bold]{escape(unanswerable['question'])}[/bold]")
        say(f"nearest passage: {escape(nearest.citation)}, cosine {nearest.scores['cosine']:.2f}")
        say(f"the reranker's logit for it: {nearest.scores['logit']:.1f}")
        say(f"context.sufficient = {context.sufficient}: {escape(context.reason)}")

        heading("5. One number changes")
        policy = handbook / "policies" / "remote-work-2025.md"
        policy.write_text(policy.read_text().replace(OLD, NEW))
        say(f"policies/remote-work-2025.md: {OLD!r} becomes {NEW!r}")
        synced(index, handbook)
        [newer] = [q for q in questions if q["kind"] == "newer_version"]
        ask(index, newer | {"quote": newer["quote"].replace(OLD, NEW)})

        heading("6. A context for the prompt")
        context = index.search("What does Section 4.2(b) say?", k=4).context(max_tokens=350)
        say(escape(context.text))
        say(f"\n[dim]{context.tokens} tokens, confidence {context.confidence:.2f}[/dim]")


def heading(text: str) -> None:
    """Print a heading."""
    console.print()
    console.rule(f"[bold]{text}", align="left")


def say(text: str) -> None:
    """Print a line."""
    console.print(text)


def synced(index: tamis.Index, folder: Path) -> None:
    """Sync a folder and print what was done."""
    columns = (TextColumn("{task.description:>30}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total or None)

        report = index.sync(folder, progress=progress)
    say(str(report))
    for name in report.changed:
        say(f"changed: {name}")


def ask(index: tamis.Index, question: dict[str, str]) -> None:
    """Ask a question and print the best three hits."""
    start = time.perf_counter()
    results = index.search(question["question"])
    seconds = time.perf_counter() - start
    confidence = results.confidence or 0.0
    say(f"\n[bold]{escape(question['question'])}[/bold]  [dim]{question['kind']}[/dim]")
    for hit in results[:3]:
        mark = "[green]*[/green]" if holds(hit, question) else " "
        scores = "  ".join(f"{name} {score:.2f}" for name, score in hit.scores.items())
        say(f" {mark} {hit.rank}. {escape(hit.citation)}")
        say(f"      [dim]{scores}[/dim]")
        if holds(hit, question):
            say(f"      {escape(shown(hit.text, question['quote']))}")
    say(f"   [dim]confidence {confidence:.2f}, {seconds * 1000:.0f} ms[/dim]")


def compare(index: tamis.Index, questions: list[dict[str, str]]) -> None:
    """Print at which rank each way of searching finds the passage that answers."""
    table = Table("question", "dense", "lexical", "hybrid", "reranked", box=None, pad_edge=False)
    for question in questions:
        ranks = [
            rank(index, question, mode="dense", rerank=False),
            rank(index, question, mode="lexical", rerank=False),
            rank(index, question, mode="hybrid", rerank=False),
            rank(index, question, mode="hybrid", rerank=True),
        ]
        table.add_row(escape(question["question"]), *ranks)
    say("The rank of the passage that answers:")
    console.print(table)


def rank(index: tamis.Index, question: dict[str, str], **options: Any) -> str:
    """Return the rank of the answer, red where it is not the first."""
    hits = index.search(question["question"], k=20, **options)
    found = next((hit.rank for hit in hits if holds(hit, question)), None)
    if found == 1:
        return "1"
    return f"[red]{found or 'none'}[/red]"


def holds(hit: Hit, question: dict[str, str]) -> bool:
    """Tell whether a hit holds the answer."""
    return bool(question["quote"]) and words(question["quote"]) in words(hit.text)


def words(text: str) -> str:
    """Return a text with single blanks."""
    return " ".join(text.split())


def shown(text: str, quote: str) -> str:
    """Return the answer with some of the text around it."""
    text, quote = words(text), words(quote)
    at = text.find(quote)
    start, end = max(0, at - 60), at + len(quote) + 60
    return ("..." if start else "") + text[start:end] + ("..." if end < len(text) else "")


if __name__ == "__main__":
    main()
