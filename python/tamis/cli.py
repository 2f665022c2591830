"""The command line: arguments and printing only.

Results go to standard output, as text or with ``--json`` as JSON; progress and messages go to
standard error. The exit status is 0, 1 on an error of tamis, 2 for arguments without meaning.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tamis
from tamis import _core
from tamis.errors import InvalidInputError, SourceNotFoundError, TamisError
from tamis.sync import SyncReport
from tamis.types import Progress

#: How many significant changes a sync prints.
SHOWN_CHANGES = 20

_DESCRIPTION = "Hybrid search over your documents: cited passages, reranked, with versions."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack a character, such as §
            stream.reconfigure(errors="replace")
    try:
        return options.run(options) or 0
    except TamisError as error:
        print(f"tamis: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("tamis: interrupted; no index was left half-changed", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tamis", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"tamis {tamis.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.add_argument("--json", action="store_true", help="print JSON, for programs")
        sub.set_defaults(run=run)
        return sub

    sync = command("sync", _sync, "Make an index hold what a folder holds.")
    sync.add_argument("source", metavar="DIR", help="a folder, or a single file")
    sync.add_argument("--name", help="what its documents' ids begin with (the folder's name)")
    _index_options(sync)
    sync.add_argument(
        "--allow-empty", action="store_true", help="let an empty folder empty its part of the index"
    )
    sync.add_argument("--source-version", metavar="V", help="the version of its documents")
    sync.add_argument("--valid-from", metavar="DATE", help="from when on its documents hold")
    sync.add_argument(
        "--supersedes", metavar="NAME", help="the name of a source whose place this one takes"
    )
    sync.add_argument(
        "--metadata", metavar="JSON", help='of its documents, such as \'{"team": "legal"}\''
    )
    sync.add_argument("--watch", action="store_true", help="go on whenever the folder changes")
    sync.add_argument(
        "--every", type=float, default=2.0, metavar="S", help="seconds between two looks (2)"
    )
    sync.add_argument("--lexical", action="store_true", help="make an index of words only")
    sync.add_argument("--analyzer", help="what cuts words in a new index, such as german (default)")

    search = command("search", _search, "Find the passages that answer a query.")
    context = command("context", _context, "Assemble the passages for a prompt.")
    context.add_argument("--max-tokens", type=int, default=2000, help="the most it may hold (2000)")
    for asking in (search, context):
        asking.add_argument("query", help="a question, a claim, an identifier")
        asking.add_argument(
            "--signs", action="store_true", help='read + - "..." field: * ~ in it as signs'
        )
        _index_options(asking)
        asking.add_argument("-k", type=int, default=10, help="how many hits (10)")
        asking.add_argument(
            "--mode", choices=("hybrid", "dense", "lexical"), default="hybrid", help="(hybrid)"
        )
        asking.add_argument(
            "--where", metavar="JSON", help='a filter on metadata, such as \'{"team": "legal"}\''
        )
        asking.add_argument("--as-of", metavar="DATE", help="what held then, instead of now")
        asking.add_argument(
            "--include-superseded", action="store_true", help="also what does not hold"
        )
        asking.add_argument("--no-rerank", action="store_true", help="leave the reranker out")
        asking.add_argument("--deadline", type=float, metavar="S", help="seconds to answer in")

    info = command("info", _info, "Tell what an index holds.")
    _index_options(info)

    stale = command("stale", _stale, "List documents that may answer with outdated text.")
    export = command("export", _export, "Write documents, chunks and vectors into a folder.")
    export.add_argument("folder", metavar="DIR", help="made if it is missing")
    for telling in (stale, export):
        _index_options(telling)

    log = command("versions", _versions, "List the versions of an index, or what two differ by.")
    log.add_argument("--diff", nargs=2, type=int, metavar=("OLD", "NEW"), help="two versions")
    compact = command(
        "compact", _compact, "Write an index as one segment, without what is deleted."
    )
    rollback = command("rollback", _rollback, "Make an earlier version the newest again.")
    rollback.add_argument("version", type=int, help="the version that is wanted back")
    prune = command("prune", _prune, "Remove old versions and the files that only they need.")
    prune.add_argument("--keep", type=int, required=True, metavar="N", help="how many stay")
    verify = command("verify", _verify, "Read every file of an index and tell what is wrong.")
    for keeping in (log, compact, rollback, prune, verify):
        _index_options(keeping)

    evaluate = command("eval", _eval, "Measure the retrievers on a set in BEIR layout.")
    evaluate.add_argument("dataset", metavar="DATASET_DIR", help="corpus, queries, qrels")
    evaluate.add_argument("--split", default="test", help="which qrels (test)")
    evaluate.add_argument("--queries", type=int, metavar="N", help="a fixed sample of N queries")
    evaluate.add_argument("--encoder", default="bge-small-en-v1.5", help="or none")
    evaluate.add_argument("--reranker", default="ms-marco-MiniLM-L-12-v2", help="or none")
    evaluate.add_argument("--max-tokens", type=int, default=256, help="texts are cut here (256)")

    models = commands.add_parser("models", help="The models, and where their files are.")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    for name, run, summary in (
        ("list", _models_list, "List the registered models."),
        ("fetch", _models_fetch, "Fetch the files of models, by default of all."),
        ("verify", _models_verify, "Compare the files of models with their checksums."),
        ("path", _models_path, "Print where the files of models are."),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument("--json", action="store_true", help="print JSON, for programs")
        action.set_defaults(run=run)
        if name != "list":
            action.add_argument("names", nargs="*", metavar="NAME")
    return parser


def _index_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--index",
        metavar="X",
        help="the index; by default $TAMIS_INDEX, or the only *.tamis here",
    )


def _index_path(options: argparse.Namespace) -> Path:
    if given := options.index or os.environ.get("TAMIS_INDEX"):
        return Path(given)
    here = sorted(Path().glob("*.tamis"))
    if len(here) == 1:
        return here[0]
    found = f"there are {', '.join(map(str, here))}" if here else "there is no *.tamis here"
    raise InvalidInputError(f"which index? {found}; name one with --index")


def _sync(options: argparse.Namespace) -> None:
    path = _index_path(options)
    if not Path(options.source).exists():  # before an index is made for it
        raise SourceNotFoundError(f"there is no folder or file {options.source}")
    if not options.every > 0:
        raise InvalidInputError(f"--every is {options.every}; it must be above 0")
    left_out: dict[str, Any] = {"encoder": None} if options.lexical else {}
    index = tamis.open(path, analyzer=options.analyzer, **left_out)
    with _progress() as progress:
        report = _synced(index, options, progress)
    _report(options, report)
    if options.watch:
        _watch(index, options, report)


def _watch(index: tamis.Index, options: argparse.Namespace, last: SyncReport) -> None:
    """Sync again and again, and tell of what changed, and of what does not work for a while."""
    said = ""
    while True:
        time.sleep(options.every)
        try:
            report = _synced(index, options, None)
        except TamisError as error:
            if str(error) != said:
                print(f"tamis: {error}", file=sys.stderr, flush=True)
            said = str(error)
            continue
        if (report.version, report.skipped) != (last.version, last.skipped):
            _report(options, report)
        last, said = report, ""


def _synced(
    index: tamis.Index, options: argparse.Namespace, progress: Progress | None
) -> SyncReport:
    return index.sync(
        options.source,
        name=options.name,
        version=options.source_version,
        valid_from=options.valid_from,
        supersedes=options.supersedes,
        metadata=_mapping(options.metadata, "--metadata"),
        allow_empty=options.allow_empty,
        progress=progress,
    )


def _report(options: argparse.Namespace, report: SyncReport) -> None:
    by_reason: dict[str, list[str]] = {}
    for skipped in report.skipped:
        by_reason.setdefault(skipped.reason, []).append(skipped.path)
    for reason, paths in by_reason.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        print(f"skipped {paths[0]}{more}: {reason}", file=sys.stderr, flush=True)
    lines = [str(report)]
    for change in report.significant[:SHOWN_CHANGES]:
        lines.append(f"  {change.document_id}: {', '.join(change.kinds)}")
        sentences = (("-", change.old), ("+", change.new))
        lines += [f"    {sign} {' '.join(text.split())}" for sign, text in sentences if text]
    if (left := len(report.significant) - SHOWN_CHANGES) > 0:
        lines.append(f"  and {left} more (--json has all)")
    _print(options, report.to_dict(), "\n".join(lines))


def _results(options: argparse.Namespace) -> Any:
    # What is not used is not loaded.
    left_out: dict[str, None] = {}
    if options.mode == "lexical":
        left_out["encoder"] = None
    if options.no_rerank:
        left_out["reranker"] = None
    index = tamis.open(_index_path(options), read_only=True, **left_out)
    with _progress() as progress:
        index.warm(progress=progress)
    return index.search(
        tamis.Query(options.query) if options.signs else options.query,
        k=options.k,
        mode=options.mode,
        where=_mapping(options.where, "--where"),
        as_of=options.as_of,
        include_superseded=options.include_superseded,
        rerank=not options.no_rerank,
        deadline=options.deadline,
    )


def _mapping(text: str | None, option: str) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        mapping: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"{option} is no JSON: {error}") from None
    return mapping


def _search(options: argparse.Namespace) -> None:
    results = _results(options)
    lines = []
    for hit in results:
        scores = "  ".join(f"{name} {score:.3f}" for name, score in hit.scores.items())
        lines += [f"{hit.rank}. {hit.citation}", f"   {scores}", _indented(hit.text), ""]
    lines += [f"note: {reason}" for reason in results.report.degraded]
    sure = "not judged" if results.confidence is None else f"{results.confidence:.2f}"
    lines.append(f"{len(results)} hits in {results.report.ms:.0f} ms, confidence {sure}")
    _print(options, results.to_dict(), "\n".join(lines))


def _context(options: argparse.Namespace) -> None:
    context = _results(options).context(options.max_tokens)
    if context.reason:
        print(f"not sufficient: {context.reason}", file=sys.stderr)
    _print(options, context.to_dict(), context.text)


def _info(options: argparse.Namespace) -> None:
    info = tamis.open(_index_path(options), encoder=None, reranker=None, read_only=True).info()
    _print(options, info, "\n".join(f"{name:15} {value}" for name, value in info.items()))


def _lexical(options: argparse.Namespace) -> tamis.Index:
    """Open an index for what needs no model."""
    path = _index_path(options)
    _core.versions(path)  # or it fails: none is made here
    return tamis.open(path, encoder=None, reranker=None)


def _stale(options: argparse.Namespace) -> None:
    stale = [asdict(one) for one in _lexical(options).stale()]
    lines = [f"{one['reason']:10} {one['document_id']}" for one in stale]
    _print(options, stale, "\n".join(lines) or "no document is stale")


def _export(options: argparse.Namespace) -> None:
    index = _lexical(options)
    with _progress() as progress:
        paths = [str(path) for path in index.export(options.folder, progress=progress)]
    _print(options, paths, "\n".join(paths))


def _versions(options: argparse.Namespace) -> None:
    if options.diff:
        diff = _lexical(options).diff(*options.diff)
        lines = [f"{kind:8} {id}" for kind, ids in asdict(diff).items() for id in ids]
        _print(options, asdict(diff), "\n".join(lines) or "no document differs")
        return
    entries = _core.log(_index_path(options))
    dates = {number: created and _date(created) for number, created in entries}
    lines = [f"{number:6}  {date or 'its manifest is damaged'}" for number, date in dates.items()]
    _print(options, dates, "\n".join(lines))


def _date(micros: int) -> str:
    return datetime.fromtimestamp(micros // 10**6, UTC).isoformat(sep=" ")


def _compact(options: argparse.Namespace) -> None:
    index = _lexical(options)
    before = index.info()
    index.compact()
    after = index.info()
    said = (
        f"version {after['version']}: {before['segments']} segments became {after['segments']}, "
        f"{before['deleted_chunks']} deleted chunks went"
    )
    _print(options, after, said)


def _rollback(options: argparse.Namespace) -> None:
    version = tamis.rollback(_index_path(options), options.version)
    _print(options, version, f"version {version} holds what version {options.version} held")


def _prune(options: argparse.Namespace) -> None:
    pruned = _lexical(options).prune(keep=options.keep)
    said = (
        f"{len(pruned.versions)} versions and {pruned.files} files removed, {pruned.bytes:,} bytes"
    )
    _print(options, asdict(pruned), said)


def _verify(options: argparse.Namespace) -> int:
    faults = tamis.verify(_index_path(options))
    _print(options, faults, "\n".join(faults) or "every file is whole")
    return 1 if faults else 0


def _eval(options: argparse.Namespace) -> None:
    from tamis import evaluation

    def model(kind: Any, name: str) -> Any:
        return None if name == "none" else kind(name, max_tokens=options.max_tokens)

    dataset = evaluation.load(Path(options.dataset), split=options.split)
    if options.queries is not None:
        dataset = evaluation.sample(dataset, options.queries)
    print(dataset.description, file=sys.stderr)
    with _progress() as progress:
        runs = evaluation.rank(
            dataset,
            encoder=model(tamis.Encoder, options.encoder),
            reranker=model(tamis.Reranker, options.reranker),
            progress=progress,
        )
    means = {system: evaluation.evaluate(run, dataset.qrels).means for system, run in runs.items()}
    names = list(next(iter(means.values())))
    table = [f"| {dataset.name} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    table += [
        f"| {system} | " + " | ".join(f"{values[name]:.4f}" for name in names) + " |"
        for system, values in means.items()
    ]
    _print(options, {"dataset": dataset.description, "means": means}, "\n".join(table))


def _models(options: argparse.Namespace) -> dict[str, Any]:
    from tamis import models

    names = getattr(options, "names", [])
    return {name: models.find(name) for name in names} if names else models.registered()


def _models_list(options: argparse.Namespace) -> None:
    from tamis import models

    rows = [
        {
            "name": spec.name,
            "task": type(spec).__name__.removesuffix("Spec").lower(),
            "licence": spec.licence,
            "megabytes": round(sum(pin.size for pin in spec.files.values()) / 1e6, 1),
            "path": str(models.locate(spec) or ""),
        }
        for spec in _models(options).values()
    ]
    lines = [
        f"{row['name']:26} {row['task']:9} {row['licence']:11} {row['megabytes']:6} MB  "
        + (row["path"] or "not fetched")
        for row in rows
    ]
    _print(options, rows, "\n".join(lines))


def _models_fetch(options: argparse.Namespace) -> None:
    from tamis import models

    with _progress() as progress:
        paths = {
            name: str(models.fetch(spec, progress=progress))
            for name, spec in _models(options).items()
        }
    _print(options, paths, "\n".join(f"{name}  {path}" for name, path in paths.items()))


def _models_verify(options: argparse.Namespace) -> None:
    from tamis import models

    found = _models(options)
    for spec in found.values():
        models.verify(spec)
    _print(options, list(found), "\n".join(f"{name}  intact" for name in found))


def _models_path(options: argparse.Namespace) -> None:
    from tamis import models

    paths = {name: str(models.locate(spec) or "") for name, spec in _models(options).items()}
    _print(options, paths, "\n".join(path or f"{n}: not fetched" for n, path in paths.items()))


def _print(options: argparse.Namespace, value: Any, text: str) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2) if options.json else text, flush=True)


def _indented(text: str, lines: int = 6) -> str:
    shown = [line for line in text.splitlines() if line.strip()]
    cut = ["..."] if len(shown) > lines else []
    return "\n".join(f"   | {line[:200]}" for line in shown[:lines] + cut)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar a stage on standard error; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield tell
