"""What is printed for people. Names that sites and policies choose (of cookies, keys, hosts) are shown as they are:
never read as Rich's markup, and never as a control sequence of the terminal or a line of their own.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from samtykke.plain import plain


class Terminal(Console):
    """Rich's console for plain text: colour comes with `coloured` parts only."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)


def coloured(*parts: str | tuple[str, str]) -> Text:
    """One line of plain parts and of parts with a style: `coloured(("leak", "red"), " on /")`."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((plain(text), style) for text, style in pairs))
