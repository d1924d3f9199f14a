"""``conformance include-dir``: where ``conformance.h`` is, for a compiler."""

from __future__ import annotations

import click

from conformance.plugin.abi import get_include


@click.command("include-dir")
def command() -> int:
    """Say where the C header for shared libraries is.

    \b
    Example:
      cc -shared -fPIC -I"$(conformance include-dir)" -o libconv.so conv.c && conformance check ./libconv.so
    """
    click.echo(get_include())
    return 0
