"""Packages that register implementations: installed for real, a right one and those that are broken in every way."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from conformance.cli.compare import _check_all
from conformance.cli.list import _as_data
from conformance.cli.xfail import Known
from conformance.errors import UsageError
from conformance.plugin.registry import GROUP, _loaded, registered, registered_names
from conformance.plugin.target import Target
from conformance.report.terminal import Terminal, make_console
from conformance.running.profile import PROFILES
from conformance.running.run import Options
from tests.environments import environment, install
from tests.typed import typed


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of an environment with the example package, one where all is broken, and one that registers a name of that again."""
    folder = tmp_path_factory.mktemp("packages")
    python = environment(folder / "environment")
    for package in ("example_package", "second_package", "broken_package"):
        install(python, package, folder)
    (module,) = folder.glob("environment/lib/*/site-packages/broken_plugins/raises.py")
    module.with_name("is_not_python.py").write_text("class Backend(:\n", encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def listed(python: str) -> subprocess.CompletedProcess[str]:
    return typed("conformance list", python=python)


def test_an_installed_package_is_checked_by_its_name(python: str, tmp_path: Path) -> None:
    done = typed("conformance check example-kn2row --profile brief --json report.json", tmp_path, python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONFORMANT: example-kn2row" in done.stdout
    (result,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["implementations"]
    assert (result["name"], result["operators"]) == ("example-kn2row", ["conv1d", "conv2d", "conv3d"])
    assert result["status"] == "conformant"


def test_it_is_listed_with_the_built_in_ones_whatever_is_broken(listed: subprocess.CompletedProcess[str]) -> None:
    assert listed.returncode == 0, listed.stderr
    assert "example-kn2row: one 1x1 convolution for each tap of the kernel" in listed.stdout
    assert "numpy-gemm: windows gathered into a matrix" in listed.stdout
    assert "naive: nested Python loops" in listed.stdout
    assert "note: broken-plugins 0.3 registers naive too, which is built in and goes first" in listed.stderr


WRONG = {
    "raises": "importing it raised RuntimeError: no licence was found (raises.py, line 1)",
    "exits": "importing it raised SystemExit: not on this machine (exits.py, line 3)",
    "dies": "loading dies ended its process (SIGABRT: aborted)",
    "needs-a-module": "importing it raised ModuleNotFoundError: No module named 'a_framework_that_is_not_installed'",
    "is-not-python": "importing it raised SyntaxError: invalid syntax (is_not_python.py, line 1)",
    "no-module": "there is no module broken_plugins.nowhere",
    "misspelt": "broken_plugins has no Bakend, but it has Backend",
    "no-class": "what it makes, of type NoneType, does not derive from conformance.Implementation",
    "no-implementation": "it is a class that does not derive from conformance.Implementation",
    "abstract": "making one raised TypeError: Can't instantiate abstract class Abstract",
    "constant": "it is of type int, and must be a class that derives from conformance.Implementation",
    "without-a-class": "what is registered is written module:Class",
    "twice": "twice is registered by broken-plugins 0.3 and by second-plugin 2.0",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_plug_in_is_listed_with_what_is_wrong(listed: subprocess.CompletedProcess[str], name: str) -> None:
    assert listed.returncode == 0, listed.stderr
    printed = " ".join(listed.stdout.split())
    assert f"{name} ✗ broken, see below" in printed
    assert WRONG[name] in printed
    if name not in ("dies", "twice"):
        assert f"{name}, which broken-plugins 0.3 registers as broken_plugins" in printed
    assert "Traceback" not in listed.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises", "hint: mend broken-plugins, or uninstall it: python -m pip uninstall broken-plugins"),
        ("dies", "a library aborts"),
        ("twice", "uninstall one of them, or write broken_plugins:Backend or second_plugin:Backend"),
    ],
)
def test_a_broken_plug_in_is_refused_by_check_with_what_to_do(python: str, name: str, words: str) -> None:
    done = typed(f"conformance check {name}", python=python)
    assert done.returncode == 2, done.stdout + done.stderr
    assert WRONG[name] in done.stderr
    assert words in " ".join(done.stderr.split())


def test_a_built_in_one_goes_before_a_plug_in_of_its_name_and_that_is_said(python: str) -> None:
    done = typed("conformance case 'conv1d i3 k2' --on naive", python=python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: broken-plugins 0.3 registers naive too" in done.stderr
    assert "to use the other, write broken_plugins:Backend" in done.stderr


def test_what_is_broken_is_reported_as_data_too() -> None:
    assert _as_data(UsageError("it is broken", hint="mend it")) == {"available": False, "reason": "it is broken (mend it)"}


@pytest.mark.parametrize("by_name", [False, True])
def test_a_comparison_leaves_out_what_cannot_be_checked_unless_it_was_named(by_name: bool) -> None:
    options = Options(dataclasses.replace(PROFILES["brief"], covering=2, random=0), ("conv_integer1d",))
    targets = [Target("scipy-direct"), Target("numpy-gemm")]
    with Terminal(make_console()) as terminal:
        if by_name:
            with pytest.raises(UsageError, match="scipy-direct does not claim conv_integer1d"):
                _check_all(targets, options, Known.of(options, None), terminal, None, by_name=True)
            return
        (absent, present), _ = _check_all(targets, options, Known.of(options, None), terminal, None, by_name=False)
    assert (absent.name, absent.status) == ("scipy-direct", "unavailable")
    assert absent.reason == "scipy-direct does not claim conv_integer1d"
    assert (present.name, present.status) == ("numpy-gemm", "conformant")


def test_a_folder_that_is_taken_for_the_module_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hidden_by_a_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"the folder .*hidden_by_a_folder is taken for the module hidden_by_a_folder"):
        _loaded(EntryPoint("hidden", "hidden_by_a_folder:Backend", GROUP))


def test_an_unknown_name_is_a_key_error() -> None:
    assert "nobody" not in registered_names()
    with pytest.raises(KeyError, match="nobody"):
        registered("nobody")
