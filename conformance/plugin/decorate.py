"""``@conformance.claims(...)``: how the author of a function says what it claims beyond, or short of, its namesake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.plugin.claims import Claims

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "__conformance_claims__"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a decorator said, in the words of ``--claim``, ``--no-claim`` and ``--operator``."""

    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


def claims(
    *,
    operator: str | Iterable[str] = (),
    dtypes: Iterable[str] = (),
    accuracy: str = "",
    dialect: Iterable[str] = (),
    data_format: str = "",
    kernel_format: str = "",
    **options: bool,
) -> Callable[[F], F]:
    """Declare what the decorated function claims: ``@conformance.claims(asymmetric_padding=True, groups=False)``.

    ``options`` are those of :data:`conformance.plugin.claims.OPTIONS`, and ``deterministic``. With
    ``asymmetric_padding`` the function gets its padding as one (begin, end) pair for each axis. ``dialect``
    says where it goes another way than the definition (``nan_in_max_pool=ignored``; see ``conformance dialect``);
    ``data_format="NHWC"`` and ``kernel_format="HWIO"``, that its axes come in another order than PyTorch's. Raises
    :class:`UsageError` for a word that is not known.
    """
    claim = [name for name, wanted in options.items() if wanted]
    claim += [f"dtypes={','.join(dtypes)}"] if dtypes else []
    claim += [f"accuracy={accuracy}"] if accuracy else []
    claim += dialect
    claim += [f"data_format={data_format}"] if data_format else []
    claim += [f"kernel_format={kernel_format}"] if kernel_format else []
    no_claim = [name for name, wanted in options.items() if not wanted]
    Claims().changed(claim, no_claim)  # a misspelt word is told where it stands
    operators = (operator,) if isinstance(operator, str) else tuple(operator)
    said = Declared(tuple(claim), tuple(no_claim), tuple(filter(None, operators)))

    def mark(function: F) -> F:
        setattr(function, _ATTRIBUTE, said)
        return function

    return mark


def declared(function: Callable[..., Any]) -> Declared:
    """What the decorator of ``function`` said; nothing if it has none."""
    said = getattr(function, _ATTRIBUTE, None)
    return said if isinstance(said, Declared) else Declared()
