"""What the user pointed at, as data: it crosses processes, and a worker loads it. Loading a target runs its code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """``text`` is a registered name, ``module:object``, ``file.py:object``, a module or a file; the rest are options."""

    text: str
    operators: tuple[str, ...] = ()
    arrays: str | None = None
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    probe: bool = True
    """Whether smoke calls may find out how functions want to be called; off after one of them crashed or hung."""

    @property
    def command_options(self) -> str:
        """The options that make a command load the same target again."""
        import shlex

        words = [self.text]
        words += [word for operator in self.operators for word in ("--operator", operator)]
        words += ["--arrays", self.arrays] if self.arrays else []
        words += [word for claim in self.claim for word in ("--claim", claim)]
        words += [word for claim in self.no_claim for word in ("--no-claim", claim)]
        return " ".join(map(shlex.quote, words))
