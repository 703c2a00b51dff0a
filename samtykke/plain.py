"""Words for logs, errors and terminals without what a site may have hidden in the names it chose."""

from __future__ import annotations

import typer

_BIDIRECTIONAL = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"}
_CONTROLS |= {code: f"\\u{code:04x}" for code in _BIDIRECTIONAL}


def plain(line: str) -> str:
    """One line with every control character, line break or change of writing direction spelt out."""
    return line.translate(_CONTROLS)


def say(words: str, *, err: bool = False) -> None:
    """Print one line or more, each made plain."""
    typer.echo("\n".join(plain(line) for line in words.split("\n")), err=err)
