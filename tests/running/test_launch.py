"""How workers come to be where the machine makes it hard."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.plugin.target import Target
from conformance.running.launch import copied, fresh
from conformance.running.mutants import find_mutants
from conformance.running.session import Session


def test_a_folder_for_temporary_files_with_a_long_name_has_workers_started_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    context = copied.__wrapped__()
    assert context is fresh()
    with Session(Target("numpy-gemm"), context=context) as session:
        assert session.describe().name == "numpy-gemm"


def test_a_file_of_mutants_that_ends_its_process_is_told(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nprint('so long', flush=True)\nos._exit(4)\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ended its process \(exit code 4\) \(so long\)"):
        find_mutants(str(tmp_path / "ends.py"))
