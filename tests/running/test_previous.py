"""Other versions of a target: real revisions of a real repository, and real wheels, each loaded from where it was put."""

from __future__ import annotations

import glob
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.plugin.job import Call, Job
from conformance.plugin.target import Target, command_text
from conformance.running.previous import version_of
from conformance.running.session import Session
from tests.conftest import TARGETS

CODE = '''import numpy as np


def conv1d(input, weight):
    """Only what the tests ask for: one tap of one channel, and which version it is."""
    return input * weight + {version}
'''
CASE = parse_case("conv1d f32 n1 c1 i3 o1 k1 values=ones:0")
SETUP = """
from setuptools import setup
setup(name="mypackage", version="1.{version}", packages=["mypackage"],
      entry_points={{"conformance.implementations": ["mine-of-it = mypackage.backend:Mine"]}})
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three versions: 1 and 2 are commits, 3 is in the working tree, in a file of its own and in a package under src."""
    folder = tmp_path / "a repository"
    (folder / "src" / "mypackage").mkdir(parents=True)
    git_folder = folder
    git_folder.mkdir(exist_ok=True)
    git(folder, "init", "-q")
    for version in (1, 2, 3):
        for name in ("ops.py", "src/mypackage/ops.py"):
            (folder / name).write_text(CODE.format(version=version), encoding="utf-8")
        (folder / "src" / "mypackage" / "__init__.py").write_text("", encoding="utf-8")
        if version < 3:
            git(folder, "add", ".")
            git(folder, "commit", "-q", "-m", f"version {version}")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    pattern = str(Path(tempfile.gettempdir(), "conformance-version-*"))
    before = set(glob.glob(pattern))
    yield
    assert set(glob.glob(pattern)) <= before


def version(target: Target) -> int:
    """What the target adds to 0: it is called for real, in a worker."""
    arrays = {name: np.zeros_like(array) for name, array in CASE.arrays().items()}
    with Session(target) as session:
        (reply,) = session.submit(Job((Call(CASE.problem, arrays),))).result()
    assert not reply.error, reply.error
    return int(reply.outputs[0].flat[0])


def test_a_file_of_a_revision_is_loaded_as_it_was(repository: Path) -> None:
    target = Target("ops.py:conv1d", probe="")
    assert version(target) == 3
    for revision, expected in (("HEAD", 2), ("HEAD~1", 1)):
        with version_of(target, f"rev:{revision}") as other:
            assert version(other) == expected


def test_a_module_under_src_is_found_there_before_all_others(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "src"))  # as an editable installation does
    target = Target("mypackage.ops:conv1d", probe="")
    assert version(target) == 3
    with version_of(target, "rev:HEAD~1") as other:
        assert version(other) == 1
    monkeypatch.chdir(repository / "src")
    with version_of(target, "rev:HEAD") as other:
        assert version(other) == 2


def test_neither_the_working_tree_nor_git_s_own_files_change(repository: Path) -> None:
    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}

    before = state()
    with version_of(Target("ops.py"), "rev:HEAD~1") as other:
        assert not other.text.startswith(str(repository))
    assert state() == before


def test_a_command_is_given_the_files_that_it_names_as_they_were(repository: Path) -> None:
    target = Target(command_text([sys.executable, "ops.py", "--fast"]))
    with version_of(target, "rev:HEAD") as other:
        command, file, option = other.command
        assert (command, option) == (sys.executable, "--fast")
        assert "+ 2" in Path(file).read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="is a file of the repository"), version_of(Target("-- true"), "rev:HEAD"):
        pass


@pytest.mark.parametrize(
    ("text", "revision", "words"),
    [
        ("ops.py:conv1d", "HEAD~9", "no revision 'HEAD~9'"),
        ("ops.py:conv1d", "--help", "no revision '--help'"),
        ("ops.py:conv1d", "", "no revision ''"),
        ("new.py:conv1d", "HEAD", "has no new.py"),
        ("/dev/null", "HEAD", "is not in the repository"),
        ("nomodule.ops:conv1d", "HEAD", "has no module nomodule.ops"),
        ("numpy-gemm", "HEAD", "built in"),
    ],
)
def test_a_version_that_cannot_be_had_is_refused_with_the_reason(repository: Path, text: str, revision: str, words: str) -> None:
    shutil.copy("ops.py", "new.py")
    with pytest.raises(UsageError) as refused, version_of(Target(text), f"rev:{revision}"):
        pass
    assert words in refused.value.message


def test_outside_a_repository_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="needs a git repository"), version_of(Target("a.py"), "rev:HEAD"):
        pass


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of version 7, built offline."""
    folder = tmp_path_factory.mktemp("package")
    package = folder / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "ops.py").write_text(CODE.format(version=7), encoding="utf-8")
    (package / "backend.py").write_text("class Mine: ...\n", encoding="utf-8")
    (folder / "setup.py").write_text(SETUP.format(version=7), encoding="utf-8")
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_a_module_of_a_wheel_is_loaded_from_it(wheel: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "src"))
    with version_of(Target("mypackage.ops:conv1d", probe=""), f"wheel:{wheel}") as other:
        assert version(other) == 7


def test_a_registered_name_is_what_the_wheel_registers(wheel: Path) -> None:
    with version_of(Target("mine-of-it"), f"wheel:{wheel}") as other:
        assert other.text == "mypackage.backend:Mine"


def test_what_is_no_wheel_or_not_in_it_is_refused(wheel: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken-1.0-py3-none-any.whl"
    broken.write_bytes(b"PK")
    for text, place, words in (
        ("mypackage.ops", tmp_path / "none.whl", "there is no wheel"),
        ("mypackage.ops", broken, "cannot be installed"),
        ("otherpackage.ops", wheel, "has no module otherpackage.ops"),
        (str(TARGETS / "base.py"), wheel, "a wheel has modules"),
    ):
        with pytest.raises(UsageError) as refused, version_of(Target(text), f"wheel:{place}"):
            pass
        assert words in refused.value.message, shlex.quote(refused.value.message)


def test_any_other_target_is_taken_as_it_is() -> None:
    with version_of(Target("file.py:conv2d", ("conv2d",), "numpy"), "numpy-gemm") as other:
        assert other == Target("numpy-gemm", ("conv2d",), "numpy")
