"""A file from outside is read up to a bound, and what its JSON would cost is known before it is parsed."""

from __future__ import annotations

import json
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from conformance import reading
from conformance.errors import UsageError
from conformance.reading import MOST_KEYS, MOST_VALUES, parse_json, read_bytes
from conformance.report.jsonfile import parse_report, to_json
from tests.report.sample import report


def test_no_more_of_a_file_is_read_than_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(100))
    assert read_bytes(file, "report", most=100) == bytes(100)
    with pytest.raises(UsageError, match="too large for a report: at most 99 bytes"):
        read_bytes(file, "report", most=99)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero on this system")
def test_a_device_without_end_is_too_large() -> None:
    with pytest.raises(UsageError, match="too large"):
        read_bytes(Path("/dev/zero"), "report", most=1000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"{}",))
    writer.start()
    assert read_bytes(pipe, "report") == b"{}"
    writer.join()


@pytest.mark.parametrize("path", ["", "no/such/file", "."])
def test_what_cannot_be_read_is_told(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_bytes(tmp_path / path, "report")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b"[" + b"[]," * MOST_VALUES, "more than 1,048,576 values"),
        (b"\xff", "utf-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"9" * 5000, "digits"),
        (b'{"a": 1, "a": 2}', "'a' is given twice"),
        (b"{" + b",".join(b'"%d":1' % i for i in range(MOST_KEYS + 1)) + b"}", "more than 1000 keys"),
        (b"{}x", "Extra data"),
        (b"", "Expecting value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_json_that_costs_too_much_or_is_none_is_told(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_json(data, "file", "report")


BODY = b'{"schema_version":1,"implementations":['
HOSTILE = {
    "arrays": BODY + b"[]," * 300_000 + b"[]]}",
    "objects": BODY + b'{"a":1},' * 300_000 + b"{}]}",
    "numbers": BODY + b"1," * 600_000 + b"1]}",
    "keys": BODY + b"{" + b",".join(b'"%d":1' % i for i in range(900)) + b"}]}",
    "deep": BODY + b"[" * 900 + b"]" * 900 + b"]}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_report_that_is_wrong_a_million_times_is_told_once_and_cheaply(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="is no report") as error:
            parse_report(HOSTILE[name], "file")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(error.value)) < 1000
    assert most < 200 * 2**20


def test_the_bounds_leave_room_for_a_report_of_everything() -> None:
    text = to_json(report())
    assert len(text) * 1000 < reading.MOST_BYTES
    assert (text.count(",") + text.count("[") + text.count("{")) * 1000 < MOST_VALUES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": True}, "schema version True"),
        ({"schema_version": ["\x1b" * 1000]}, "schema version"),
        ({"timings": report().model_dump(mode="json")["timings"], "margin": None}, "a margin"),
        ({"seed": 2**63}, "seed"),
        ({"\x1b[2J": 1}, "Extra inputs"),
    ],
)
def test_a_report_that_could_not_be_shown_is_refused(change: dict[str, object], words: str) -> None:
    data = json.dumps(json.loads(to_json(report())) | change).encode()
    with pytest.raises(UsageError, match=words) as error:
        parse_report(data, "file")
    assert str(error.value).isprintable()


def test_a_report_of_an_operator_that_is_not_known_is_refused() -> None:
    data = to_json(report()).replace('"operator": "conv2d"', '"operator": "conv9d"').encode()
    with pytest.raises(UsageError, match="conv9d"):
        parse_report(data, "file")
