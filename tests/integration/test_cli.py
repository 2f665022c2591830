"""The command line as a process: what it prints, its exit status, and its errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tamis


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "TAMIS_INDEX"}
    return subprocess.run(
        [sys.executable, "-m", "tamis", *arguments],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def output(*arguments: str, cwd: Path) -> str:
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def synced(handbook: Path, tmp_path: Path) -> Path:
    """A folder with a lexical index of the handbook in it."""
    output("sync", str(handbook), "--index", "h.tamis", "--lexical", cwd=tmp_path)
    return tmp_path


def test_sync_and_search_for_people_and_programs(synced: Path) -> None:
    # The only index here needs no name.
    text = output("search", "What does ERR_CONN_42 mean?", "--no-rerank", "-k", "2", cwd=synced)
    assert "1. handbook/engineering/connection-errors.md § ERR_CONN_42, chars" in text
    assert "2 hits in" in text
    shown = output("search", "ERR_CONN_42", "--no-rerank", "--json", cwd=synced)
    results = json.loads(shown)
    assert results["hits"][0]["headings"][-1] == "ERR_CONN_42"
    again = json.loads(output("sync", "handbook", "--json", cwd=synced))
    assert (again["version"], len(again["unchanged"])) == (1, 28)
    assert json.loads(output("info", "--json", cwd=synced))["documents"] == 28
    assert "documents       28" in output("info", cwd=synced)


def test_signs_and_another_language(synced: Path) -> None:
    options = ("--no-rerank", "--json", "--signs")
    query = '+"second Contract Year" -deliveries'
    results = json.loads(output("search", query, *options, cwd=synced))
    assert results["hits"]
    assert all("second Contract Year" in " ".join(hit["text"].split()) for hit in results["hits"])
    assert not json.loads(output("search", "+submarine the", *options, cwd=synced))["hits"]
    made = ("--index", "german.tamis", "--lexical", "--analyzer", "german")
    output("sync", "handbook/support", *made, cwd=synced)
    info = json.loads(output("info", "--index", "german.tamis", "--json", cwd=synced))
    assert info["analyzer"] == "german"


def test_what_is_stale_and_what_changed(synced: Path, handbook: Path) -> None:
    assert output("stale", cwd=synced) == "no document is stale\n"
    file = handbook / "policies" / "remote-work-2025.md"
    file.write_text(file.read_text().replace("for up to 60 days", "for up to 45 days"))
    assert output("stale", cwd=synced) == "changed    handbook/policies/remote-work-2025.md\n"
    text = output("sync", str(handbook), cwd=synced)
    assert "1 of 1 changed sentences matter" in text
    assert "  handbook/policies/remote-work-2025.md: amount\n" in text
    assert "for up to 45 days" in text
    assert json.loads(output("stale", "--json", cwd=synced)) == []


def test_a_folder_is_watched(synced: Path, handbook: Path) -> None:
    command = [sys.executable, "-m", "tamis", "sync", str(handbook), "--watch", "--every", "0.1"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=synced, env=env, stdout=pipe, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("version 1: 28 unchanged")
        (handbook / "new.md").write_text("# New\n\nA new page.\n")
        assert watching.stdout.readline().startswith("version 2: 1 added, 28 unchanged")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=60) == 130


def test_filters_and_dates(synced: Path, handbook: Path) -> None:
    other = handbook.with_name("handbook-2030")
    handbook.rename(other)
    options = ("--supersedes", "handbook", "--valid-from", "2030-01-01", "--source-version", "9")
    output("sync", str(other), *options, cwd=synced)

    def found(*options: str) -> set[str]:
        asked = ("search", "What does ERR_CONN_42 mean?", "--no-rerank", "--json", *options)
        hits = json.loads(output(*asked, cwd=synced))["hits"]
        return {f"{hit['document_id'].split('/')[0]} {hit['status']}" for hit in hits}

    assert found() == {"handbook current"}
    assert found("--as-of", "2031-01-01") == {"handbook-2030 current"}
    assert found("--include-superseded") == {"handbook current", "handbook-2030 future"}
    where = ("--where", '{"document.version": "9"}')
    assert found("--include-superseded", *where) == {"handbook-2030 future"}
    done = run("search", "x", "--where", "team=legal", "--no-rerank", cwd=synced)
    assert (done.returncode, "--where is no JSON" in done.stderr) == (1, True)


def test_everything_is_exported(synced: Path) -> None:
    text = output("export", "out", cwd=synced)
    assert text == "out/documents.jsonl\nout/chunks.jsonl\n"
    assert len((synced / "out" / "documents.jsonl").read_text().splitlines()) == 28


def test_context(synced: Path) -> None:
    question = "Who has the key to the flagpole?"
    text = output("context", question, "--no-rerank", "--max-tokens", "400", cwd=synced)
    assert text.startswith("[1] handbook/")
    parsed = json.loads(output("context", question, "--no-rerank", "--json", cwd=synced))
    assert parsed["sufficient"] is True
    assert parsed["tokens"] <= 2000


@pytest.mark.models
@pytest.mark.usefixtures("pinned_models")
def test_the_whole_path_with_the_pinned_models(handbook: Path, tmp_path: Path) -> None:
    output("sync", str(handbook), "--index", "h.tamis", cwd=tmp_path)
    results = json.loads(output("search", "What does Section 4.2(b) say?", "--json", cwd=tmp_path))
    assert "4.2(b)" in results["hits"][0]["text"]
    assert set(results["hits"][0]["scores"]) == {"bm25", "cosine", "fused", "logit"}
    done = run("context", "Can I bring my dog to the office?", cwd=tmp_path)
    assert "not sufficient" in done.stderr


def test_errors_are_one_line_on_standard_error(tmp_path: Path) -> None:
    for arguments, message in (
        (("search", "x"), "which index? there is no *.tamis here; name one with --index"),
        (("search", "x", "--index", "no.tamis"), "there is no index at no.tamis"),
        (
            ("sync", "nowhere", "--index", "x.tamis", "--lexical"),
            "there is no folder or file nowhere",
        ),
        (("eval", "."), "corpus.jsonl"),
        (("models", "path", "no-model"), "no-model"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("tamis: ")
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_an_index_can_be_named_by_the_environment(synced: Path, tmp_path: Path) -> None:
    done = run("info", cwd=Path("/"), TAMIS_INDEX=str(synced / "h.tamis"))
    assert done.returncode == 0
    assert "h.tamis" in done.stdout


def test_arguments_without_meaning_show_the_usage(tmp_path: Path) -> None:
    for arguments in ((), ("search",), ("search", "x", "-k", "ten"), ("no-such-command",)):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "usage: tamis" in done.stderr


def test_version_and_models(tmp_path: Path) -> None:
    assert output("--version", cwd=tmp_path) == f"tamis {tamis.__version__}\n"
    rows = json.loads(output("models", "list", "--json", cwd=tmp_path))
    assert {row["name"]: row["task"] for row in rows} == {
        "bge-small-en-v1.5": "encoder",
        "ms-marco-MiniLM-L-12-v2": "reranker",
    }


def test_eval_prints_a_table(tmp_path: Path) -> None:
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(("red", "blue"))]
    queries = [{"_id": "q1", "text": "blue"}, {"_id": "q2", "text": "red"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "set" / f"{name}.jsonl").write_text(lines)
    judged = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td1\t1\n"
    (tmp_path / "set" / "qrels" / "test.tsv").write_text(judged)
    words_only = ("--encoder", "none", "--reranker", "none")
    text = output("eval", "set", *words_only, cwd=tmp_path)
    assert "| BM25 | 0.5000 | 0.5000 | 0.5000 |" in text
    sampled = json.loads(
        output("eval", "set", *words_only, "--queries", "1", "--json", cwd=tmp_path)
    )
    assert sampled["dataset"].startswith("set: 2 documents, 1 queries")
