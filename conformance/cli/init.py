"""``conformance init NAME``: writes a skeleton of a target, which passes ``check`` after one edit."""

from __future__ import annotations

import importlib.util
from inspect import cleandoc
from pathlib import Path

import click

from conformance.cli.skeletons import KINDS, MARK, Skeleton, registered_name, skeleton
from conformance.errors import UsageError


@click.command("init")
@click.argument("name")
@click.option("--kind", default="function", show_default=True, type=click.Choice(list(KINDS)), help="What kind of target.")
@click.option(
    "--operator",
    default="conv2d",
    show_default=True,
    metavar="NAME",
    help="conv, max_pool or avg_pool with 1d, 2d or 3d behind it.",
)
@click.option("--arrays", type=click.Choice(["numpy", "torch"]), help="What a function takes (default: numpy).")
@click.option("--language", type=click.Choice(["python", "node"]), help="What a process is written in (default: python).")
@click.option(
    "--output",
    default=".",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to (default: this one).",
)
def command(name: str, kind: str, operator: str, arrays: str | None, language: str | None, output: Path) -> int:  # fmt: skip
    """Write a skeleton of a target: whole but for one place, marked EDIT HERE, where the numerics go.

    It says which commands build and check it; until the edit, the check says what is missing. NAME is what its files are
    called: letters, digits and _. No file is written over.

    \b
    Kinds:
    {kinds}

    \b
    Examples:
      conformance init my_conv
      conformance init my_pool --operator max_pool2d --arrays torch
      conformance init my_conv --kind c
    """
    for option, given, of_kind in (("--arrays", arrays, "function"), ("--language", language, "process")):
        if given and kind != of_kind:
            raise UsageError(f"{option} is for --kind {of_kind}, not {kind}", hint=f"leave it out, or say --kind {of_kind}")
    folder = "" if output == Path() else output.as_posix()
    made = skeleton(name, kind, operator, arrays=arrays or "numpy", language=language or "python", folder=folder)
    if made.files[0].path.suffix == ".py":
        _refuse_hiding(name, output)
    if kind == "package":
        _refuse_registered(registered_name(name))
    _write(made, output)
    first, *others = (output / file.path for file in made.files)
    click.echo(f"wrote {first}" + (f", with {' and '.join(path.name for path in others)} for it" if others else ""))
    click.echo(f"edit  {first}, line {made.line}: write {operator} where it says {MARK}; all else is there")
    click.echo("then type")
    for line in made.commands:
        click.echo(f"  {line}")
    return 0


assert command.help is not None
command.help = cleandoc(command.help).replace("{kinds}", "\n".join(f"  {kind:<9} {what}" for kind, what in KINDS.items()))


def _refuse_hiding(name: str, output: Path) -> None:
    """A file with the name of an installed module would be imported in its place by its neighbours."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        return
    place = Path(found.origin).resolve().parents[1 if found.submodule_search_locations else 0]
    if place not in (Path.cwd(), output.resolve()):  # what lies here is no module that is installed, but a file that exists
        raise UsageError(
            f"{name!r} cannot be a name: it is a module that is installed, which {name}.py would hide",
            hint=f"type my_{name}",
        )


def _refuse_registered(name: str) -> None:
    from conformance.plugin.registry import registered_names

    if name in registered_names():
        raise UsageError(
            f"{name} is the name of an implementation that is registered already",
            hint="choose another name: those of conformance list are taken",
        )


def _write(made: Skeleton, output: Path) -> None:
    """Write all files, or none where one of them exists."""
    paths = [output / file.path for file in made.files]
    for path in paths:
        if path.exists() or path.is_symlink():
            raise UsageError(
                f"{path} exists already, and is not written over", hint="choose another name, or --output with another folder"
            )
    try:
        for path, file in zip(paths, made.files, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as stream:  # never over one that came in between
                stream.write(file.text)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}", hint="--output says where to") from error
