"""Find the addresses that CSS loads. No I/O, no state.

Tokens of CSS Syntax 3: comments, strings, names with escapes, functions. `url()`, `src()` and the strings in
`image-set()` load images, or fonts inside `@font-face`; `@import` loads a style sheet; `@namespace` loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from policies.embeds import Kind

_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|\n|(.))", re.DOTALL)
_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z)
      | (?P<string>"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)
      | (?P<name>@?(?:[a-zA-Z_\x80-\U0010ffff-]|\\[^\n])(?:[a-zA-Z0-9_\x80-\U0010ffff-]|\\[^\n])*+)(?P<call>\()?
      | (?P<mark>[(){};])""",
    re.VERBOSE | re.DOTALL,
)
_BARE_URL = re.compile(r"""[ \t\n\f\r]*((?:[^"'()\\ \t\n\f\r]|\\.)+)""", re.DOTALL)
_LOADING_CALLS = frozenset(["url", "src", "image-set", "-webkit-image-set", "image", "-webkit-image"])

PLACE_HOLDER = "about:invalid#samtykke="
"""What stands for a blocked address: this, then the address as encodeURIComponent would write it."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address in CSS: the span of its text (inside any quotes), what it says, and as what it loads."""

    start: int
    end: int
    url: str
    kind: Kind


def may_load(css: str) -> bool:
    """Cheap: can this text name an address at all?"""
    lowered = css.lower()
    return "url" in lowered or "@import" in lowered or "image-set" in lowered or "\\" in css or "src(" in lowered


def addresses(css: str) -> Iterator[Address]:
    """Every address, in order."""
    calls: list[str] = []
    rule = ""
    in_font = False
    position = 0
    while match := _TOKEN.search(css, position):
        position = match.end()
        kind: Kind = "style" if rule == "@import" else "font" if in_font else "image"
        if match["string"] is not None:
            loads = rule == "@import" and not calls if not calls else calls[-1] in _LOADING_CALLS
            if loads and rule != "@namespace":
                yield _address(css, match.start() + 1, match["string"], kind)
        elif match["name"] is not None:
            name = _unescaped(match["name"]).lower()
            if match["call"]:
                calls.append(name)
                if name == "url" and (bare := _BARE_URL.match(css, position)):
                    if rule != "@namespace":
                        yield Address(bare.start(1), bare.end(1), _unescaped(bare[1]), kind)
                    position = bare.end()
            elif name.startswith("@"):
                rule = name
                in_font = in_font or name == "@font-face"
        else:
            match match["mark"]:
                case "(":
                    calls.append("")
                case ")" if calls:
                    calls.pop()
                case "}":
                    in_font, rule = False, ""
                    calls.clear()
                case ";" | "{" if not calls:
                    rule = ""


def _address(css: str, start: int, literal: str, kind: Kind) -> Address:
    closed = len(literal) > 1 and literal[-1] == literal[0]
    inner = literal[1:-1] if closed else literal[1:]
    return Address(start, start + len(inner), _unescaped(inner), kind)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _char(found[1]) if found[1] else found[2] or "", text)


def _char(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


def without(css: str, blocked: Callable[[str, Kind], bool]) -> str:
    """The same CSS with the blocked addresses replaced; the very same string where there are none."""
    out = []
    done = 0
    for address in addresses(css):
        if blocked(address.url, address.kind):
            out += [css[done : address.start], PLACE_HOLDER, quote(address.url, safe="")]
            done = address.end
    return "".join([*out, css[done:]]) if out else css
