"""Coverage-guided fuzzing of one reader by atheris (``pip install ".[fuzz]"``), from the seeds and words of its entry.

    python -m tests.fuzz.atheris_run problem --seconds 60
    python -m tests.fuzz.atheris_run all --seconds 30

What it finds is written to ``regressions/NAME``, where the other tests read it from then on, and ends it with exit code 1.
One input may take 10 seconds and allocate 512 MiB at once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

LIMITS = ("-timeout=10", "-malloc_limit_mb=512", "-rss_limit_mb=4096", "-max_len=16384", "-len_control=0")
SELF_TEST = "self-test"
"""A reader with a mistake in it, by which the tests see that one is found."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="an entry of tests/fuzz/entries.py, or all")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="how long each is fuzzed (default: 60)")
    parser.add_argument("--runs", type=int, default=-1, metavar="N", help="how many inputs are tried (default: no limit)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="keep interesting inputs here (default: nowhere)")
    parser.add_argument("--found", type=Path, metavar="DIR", help="where what goes wrong is written (default: regressions/NAME)")
    chosen = parser.parse_args()
    if chosen.name == "all":
        return _all(chosen)
    return _fuzz(chosen)


def _all(chosen: argparse.Namespace) -> int:
    """Each in a process of its own, because libFuzzer ends the one that it is in."""
    from tests.fuzz.entries import ENTRIES

    failed = []
    for name in ENTRIES:
        _say(f"== {name}")
        command = [sys.executable, "-m", "tests.fuzz.atheris_run", name, "--seconds", str(chosen.seconds)]
        if subprocess.run([*command, "--runs", str(chosen.runs)], check=False).returncode:
            failed.append(name)
    _say("found nothing" if not failed else f"found something in {', '.join(failed)}")
    return 1 if failed else 0


def _fuzz(chosen: argparse.Namespace) -> int:
    try:
        import atheris
    except ImportError:
        _say("atheris is not installed: pip install atheris (Linux and macOS)")
        return 2
    with atheris.instrument_imports(include=["conformance"]):
        from tests.fuzz.changes import exchanged
        from tests.fuzz.entries import ENTRIES, REGRESSIONS, Entry

    def careless(data: bytes) -> None:
        if data.startswith(b"co") and data[2:3] == b"X":
            raise KeyError("a mistake")
        raise ValueError("no")

    known = {**ENTRIES, SELF_TEST: Entry(SELF_TEST, careless, (b"conv2d",), (ValueError,), words=(b"co",))}
    if chosen.name not in known:
        _say(f"{chosen.name!r} is no entry: known are {', '.join(ENTRIES)}")
        return 2
    entry = known[chosen.name]

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        """Half of the inputs are still JSON."""
        new = exchanged(data, Random(seed)) if seed % 2 else atheris.Mutate(data, min(len(data) + 64, most))
        return new if len(new) <= most else data

    found = chosen.found or REGRESSIONS / entry.name
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for seed in (*entry.seeds, *entry.regressions):
            (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in entry.words), encoding="ascii")
        found.mkdir(parents=True, exist_ok=True)
        options = [f"-dict={words}"] if entry.words else []
        options += [f"-artifact_prefix={found}{os.sep}", f"-runs={chosen.runs}", "-print_final_stats=1", "-verbosity=1"]
        folders = [str(chosen.corpus)] if chosen.corpus else []
        # libFuzzer ends its process as it likes: what it leaves behind is put away by this one.
        child = os.fork()
        if child == 0:
            command = [sys.argv[0], *LIMITS, f"-max_total_time={chosen.seconds}", *options, *folders, str(corpus)]
            atheris.Setup(command, entry.try_one, **({"custom_mutator": mutated} if entry.json else {}))
            atheris.Fuzz()
            os._exit(0)
        _, status = os.waitpid(child, 0)
    if not any(found.iterdir()):
        found.rmdir()
    return 1 if status else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _escaped(word: bytes) -> str:
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
