"""``conformance init``: skeletons that say what is missing, pass the check after one edit, and write over nothing."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import conformance as package
from conformance.cli.skeletons import KINDS, MARK, OPERATORS_WITH_SKELETON, registered_name, skeleton
from conformance.errors import UsageError
from tests.cli import edits
from tests.cli.edits import edited
from tests.cli.test_commands import ROOT, conformance
from tests.typed import typed

# What docs/plugins.md shows is run by tests/test_plugins_doc.py: conv2d as a function, a layer, a package, in C, as a process.
_EDITS = [
    ("--operator conv3d", edits.CONV_OF_NUMPY),
    ("--operator max_pool2d", edits.MAX_OF_NUMPY),
    ("--operator avg_pool1d", edits.AVERAGE_OF_NUMPY),
    ("--arrays torch", edits.CONV2D_OF_TORCH),
    ("--kind layer --operator max_pool2d", edits.MAX_POOL2D_LAYER),
    ("--kind class --operator max_pool3d", edits.MAX_OF_NUMPY),
    ("--kind c --operator avg_pool3d", edits.AVG_POOL3D_OF_C),
    ("--kind process --operator max_pool1d", edits.MAX_POOL1D_PROCESS),
    ("--kind process --language node --operator conv1d", edits.CONV1D_OF_NODE),
]
_NEEDS = {"--kind c": "cc", "node": "node"}


@pytest.mark.parametrize(("options", "body"), _EDITS, ids=[options for options, _ in _EDITS])
def test_the_commands_that_init_says_find_the_gap_and_after_one_edit_pass(options: str, body: str, tmp_path: Path) -> None:
    for words, tool in _NEEDS.items():
        if words in options and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if "torch" in options or "layer" in options:
        pytest.importorskip("torch")
    source, *commands = written(f"conformance init mine {options}", tmp_path)
    operator = options.rpartition("--operator ")[2] if "--operator" in options else "conv2d"
    if "class" in options or "node" in options:  # the document shows the others before the edit
        before = run(commands, tmp_path)
        assert before.returncode == 1, before.stdout + before.stderr
        assert f"{operator} is not written yet: see EDIT HERE in {source.name}" in before.stdout
    source.write_text(edited(source.read_text(encoding="utf-8"), body), encoding="utf-8")
    after = run(commands, tmp_path)
    assert after.returncode == 0, after.stdout + after.stderr
    assert "CONFORMANT" in after.stdout
    if "torch" in options or "layer" in options:
        assert f"{operator}_input_grad" in after.stdout


def written(command: str, folder: Path) -> tuple[Path, ...]:
    """The file to edit and the commands to type, as ``init`` says them."""
    done = typed(command, folder)
    assert done.returncode == 0, done.stderr
    first, edit, then, *commands = done.stdout.splitlines()
    source = folder / first.removeprefix("wrote ").partition(",")[0]
    (line,) = re.findall(r", line (\d+): ", edit)
    assert MARK in source.read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert then == "then type"
    return source, *(command.strip() for command in commands)  # type: ignore[return-value]


def run(commands: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    """What ``init`` said to type, with the smallest profile."""
    return typed("\n".join(commands).replace("conformance check ", "conformance check --profile brief "), folder)


@pytest.mark.parametrize("operator", OPERATORS_WITH_SKELETON)
def test_every_skeleton_is_a_whole_program_with_one_place_to_edit(operator: str, tmp_path: Path) -> None:
    made = [skeleton("mine", kind, operator) for kind in KINDS]
    made += [skeleton("mine", "process", operator, language="node"), skeleton("mine", "function", operator, arrays="torch")]
    for one in made:
        edit, *others = one.files
        assert edit.text.count(f"{MARK}:") == 1
        assert f"{MARK}:" in edit.text.splitlines()[one.line - 1]
        assert max(map(len, edit.text.splitlines())) <= 130
        assert all(line == line.rstrip() for file in one.files for line in file.text.splitlines())
        parse(edit.path.name, edit.text, tmp_path)
        for file in others:
            if file.path.suffix == ".toml":
                assert tomllib.loads(file.text)["project"]["entry-points"]["conformance.implementations"] == {
                    "mine": "mine:Backend"
                }


def parse(name: str, text: str, folder: Path) -> None:
    """Fails where ``text`` is no program of its language."""
    if name.endswith(".py"):
        ast.parse(text)
        return
    file = folder / name
    file.write_text(text, encoding="utf-8")
    command = ["node", "--check"] if name.endswith(".js") else ["cc", "-Wall", "-fsyntax-only", f"-I{package.get_include()}"]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run([*command, str(file)], check=True)


NAMES = st.text(max_size=70) | st.from_regex(r"[A-Za-z_.\-/0-9 ]{1,70}", fullmatch=True) | st.sampled_from(["a" * 61, "A" * 60])


@given(NAMES, st.sampled_from(list(KINDS)))
@example("../evil", "package")
@example("/etc/passwd", "function")
@example("..", "package")
@example("x\n", "function")
@example("é", "c")
@example("import", "function")
def test_a_name_is_refused_with_one_to_type_or_makes_files_that_stay_in_the_folder(name: str, kind: str) -> None:
    try:
        made = skeleton(name, kind)
    except UsageError as refused:
        assert "cannot be a name" in refused.message  # noqa: PT017 (that nothing else is raised is the claim)
        assert skeleton(refused.hint.removeprefix("type "), kind)  # noqa: PT017
        return
    assert name.isascii()
    assert name.isidentifier()
    assert registered_name(name).replace("-", "").isalnum()
    folders = {(name, "src"), (name,)} if kind == "package" else {()}
    assert {file.path.parts[:-1] for file in made.files} == folders
    assert all(".." not in str(file.path) and not file.path.is_absolute() for file in made.files)
    assert all(name in shlex.split(command)[-1] or registered_name(name) in command for command in made.commands)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my-conv"], "type my_conv"),
        (["2d.py"], "begins with a letter"),
        (["class"], "a word of Python's own"),
        (["json"], "a module of Python's own"),
        (["numpy"], "a module that is installed, which numpy.py would hide"),
        (["torch_cpu", "--kind", "package"], "torch-cpu is the name of an implementation that is registered already"),
        (["mine", "--operator", "conv9d"], "'conv9d' is not known"),
        (["mine", "--operator", "lp_pool2d"], "there are those of conv1d, conv2d"),
        (["mine", "--kind", "rust"], "'function', 'layer', 'class', 'c', 'process', 'package'"),
        (["mine", "--kind", "c", "--arrays", "torch"], "--arrays is for --kind function, not c"),
        (["mine", "--language", "node"], "--language is for --kind process, not function"),
        (["mine", "--output", "/dev/null/deeper"], "cannot be written"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_what_cannot_be_begun_is_told_with_what_to_type(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = conformance("init", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", ["mine.py", "mine/README.md"])
def test_nothing_is_written_over_nor_half_written(existing: str, tmp_path: Path) -> None:
    file = tmp_path / existing
    file.parent.mkdir(exist_ok=True)
    file.write_text("dear to me", encoding="utf-8")
    done = conformance("init", "mine", "--kind", "package" if "/" in existing else "function", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{existing} exists already" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text(encoding="utf-8") == "dear to me"


def test_a_link_is_not_followed_to_what_it_does_not_point_to_yet(tmp_path: Path) -> None:
    (tmp_path / "mine.py").symlink_to(tmp_path / "elsewhere.py")
    assert conformance("init", "mine", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "elsewhere.py").exists()


def test_another_folder_is_made_and_said_in_the_commands(tmp_path: Path) -> None:
    folder = "new one/deeper"
    source, command = written(f"conformance init mine --output '{folder}'", tmp_path)
    assert source == tmp_path / folder / "mine.py"
    assert command == f"conformance check '{folder}/mine.py:conv2d'"


def test_the_help_has_examples_and_every_kind() -> None:
    text = conformance("init", "--help").stdout
    assert "conformance init my_conv --kind c" in text
    for kind, words in KINDS.items():
        assert f"{kind:<9} {words}" in text


def test_every_template_is_installed_with_the_package() -> None:
    (patterns,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ].values()
    templates = [str(path.relative_to(ROOT / "conformance")) for path in (ROOT / "conformance").rglob("*.j2")]
    assert len(templates) >= 9
    assert [path for path in templates if not any(fnmatch(path, pattern) for pattern in patterns)] == []
