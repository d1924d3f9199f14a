"""Text from outside as text that can be shown anywhere: names, messages and output of targets, words of files and commands.

What steers a terminal (control characters, escape sequences, marks that turn the direction of writing), what no file can
hold (half characters) and what is too long is replaced: nothing is left that could do more than be read. Markup is text
here; each form of the report escapes what has a meaning in it.
"""

from __future__ import annotations

import shlex

MOST_OF_NAME = 200
MOST_OF_WORDS = 2000
"""Characters of a name, and of a message, that a target may have."""
MOST_OF_LINE = 4000
MOST_OF_LINES = 40_000
"""Characters of one field of a report: more than the harness itself ever writes into one."""
INSTEAD = "\N{REPLACEMENT CHARACTER}"
_CUT = "…"
_TAB = 4


def line(value: object, most: int = MOST_OF_LINE) -> str:
    """``value`` as one line of at most ``most`` characters, each of them printable: ends of lines and tabs become blanks."""
    text = _cut(_text(value), most)
    return text if text.isprintable() else "".join(map(_shown, text.replace("\r\n", " ")))


def lines(value: object, most: int = MOST_OF_LINES) -> str:
    """``value`` as lines, as :func:`line` does; tabs become spaces."""
    text = _text(value)
    if len(text) <= most and text.isprintable():
        return text
    text = _cut(_cut(text, most).replace("\r\n", "\n").expandtabs(_TAB), most)
    return "\n".join(line(one, most) for one in text.split("\n"))


def end_of(value: object, most: int) -> str:
    """The last lines of what was printed, ``most`` characters of them."""
    text = _text(value)
    kept = lines(text[-most:], _TAB * most)
    return kept if len(text) <= most and len(kept) <= most else _CUT + kept[max(0, len(kept) - most + 1) :]


def of_error(error: BaseException) -> str:
    """An error as one line: its class and what it says."""
    return line(f"{type(error).__name__}: {error}", MOST_OF_WORDS)


def quoted(word: str) -> str:
    """``word`` as a shell reads it back, and a terminal shows it: what steers one is written as bash and zsh write it."""
    if all(letter.isprintable() or letter in "\n\t" for letter in word):
        return shlex.quote(word)
    return "$'" + "".join(map(_spelt, word)) + "'"


def joined(words: list[str] | tuple[str, ...]) -> str:
    """A command of several words, as :func:`quoted` writes each."""
    return " ".join(map(quoted, words))


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else " " if letter in "\n\t" else INSTEAD


def _spelt(letter: str) -> str:
    if letter in "'\\":
        return "\\" + letter
    if letter.isprintable():
        return letter
    try:
        data = letter.encode("utf-8", "surrogateescape")  # what Python makes of bytes in a path that are no text
    except UnicodeEncodeError:
        data = letter.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)


def _text(value: object) -> str:
    """Whatever a target gives for a text, as one: it may be a number, or a class of its own with an idea of its own."""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return str.__str__(str(value))
    except Exception:
        return f"a {type(value).__name__}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + _CUT
