"""How fast `tamis.Encoder.encode` is against the same model run by hand.

Corpus: 400 texts of mixed length, by default the sections of the text files under ``examples/``
(repeated where they are fewer), or those of any folder or JSONL file given. By hand means
onnxruntime, tokenizers and a thread pool, one text at a time on one single-threaded session, with
as many threads. Both ways use the same file, are checked to give the same vectors, and are then
timed in turns.

    python benches/encode.py [PATH] [--texts 400] [--rounds 5] [--threads N]
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from tamis.models import Encoder, cores, fetch, find
from tamis.types import FloatArray

MODEL = "bge-small-en-v1.5"
EXAMPLES = Path(__file__).parents[1] / "examples"
SUFFIXES = {".md", ".rst", ".txt"}
#: A section begins with a Markdown heading, or with an underlined line.
SECTION = re.compile(r"^(?=#{1,6} |\S[^\n]*\n[=~^\"-]{3,}$)", re.MULTILINE)

Encode = Callable[[Sequence[str]], FloatArray]


def sections(path: Path) -> Iterator[str]:
    """Yield the texts of a JSONL file, or the sections of the text files below a folder."""
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line)["text"] for line in lines)
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in SUFFIXES:
            for section in SECTION.split(file.read_text(encoding="utf-8", errors="replace")):
                if section.strip():
                    yield section.strip()


def by_hand(folder: Path, threads: int) -> Encode:
    """Return the way without tamis: no checks, no order, no windows."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def vector(text: str) -> FloatArray:
        encoding = tokenizer.encode(text)
        feeds = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids], dtype=np.int64),
        }
        first: FloatArray = session.run(["last_hidden_state"], feeds)[0][0, 0]
        return first / np.linalg.norm(first)

    def encode(texts: Sequence[str]) -> FloatArray:
        with ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(vector, texts)))

    return encode


def seconds(encode: Encode, texts: Sequence[str]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    encode(texts)
    return time.perf_counter() - start


def main() -> None:
    """Compare both ways and print a table."""
    parser = argparse.ArgumentParser(description="Tokens a second of Encoder.encode.")
    parser.add_argument("path", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=cores())
    arguments = parser.parse_args()

    found = list(sections(arguments.path))
    if not found:
        parser.error(f"{arguments.path} holds no texts")
    random.Random(0).shuffle(found)
    texts = list(itertools.islice(itertools.cycle(found), arguments.texts))

    folder = fetch(find(MODEL))
    encoder = Encoder(MODEL, threads=arguments.threads)
    ways: dict[str, Encode] = {
        "tamis.Encoder.encode": encoder.encode,
        "onnxruntime + tokenizers": by_hand(folder, arguments.threads),
    }
    ours, theirs = (encode(texts) for encode in ways.values())
    difference = float(np.abs(ours - theirs).max())
    if difference > 1e-6:
        raise SystemExit(f"the two ways disagree by {difference}")

    room = encoder.max_tokens - 2
    lengths = [min(count, room) + 2 for count in encoder.count_tokens(texts)]
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(arguments.rounds):
        for way, encode in ways.items():
            times[way].append(seconds(encode, texts))
    medians = {way: statistics.median(each) for way, each in times.items()}
    bare = list(medians.values())[-1]

    print(
        f"{len(texts)} texts from {arguments.path} ({len(set(texts))} different), "
        f"{sum(lengths)} tokens, median {statistics.median(lengths):.0f}, most {max(lengths)}; "
        f"{MODEL}, {arguments.threads} threads, {platform.machine()}, onnxruntime "
        f"{onnxruntime.__version__}; median of {arguments.rounds} rounds; largest difference of "
        f"a component {difference:.1g}\n"
    )
    print("| way | seconds | tokens a second | ratio | fastest - slowest round |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for way, median in medians.items():
        spread = f"{min(times[way]):.2f} - {max(times[way]):.2f}"
        rate = sum(lengths) / median
        print(f"| {way} | {median:.2f} | {rate:.0f} | {bare / median:.3f} | {spread} |")


if __name__ == "__main__":
    main()
