"""The scripts that run in a page before its own: one per observer, each failing alone. Read once, at import.

`script(names, ...)` joins them behind the prelude, every one in its own scope and its own try. They speak through
a `console.debug` saved before the page could replace it, which carries the caller's asynchronous stack to us.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

_SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.js")}


def script(names: Iterable[str], token: str) -> str:
    """The script to run first in every document and worker; `token` marks what it says. KeyError: no such hook."""
    scopes = [f"try {{ (() => {{\n{_SOURCES[name]}\n}})(); }} catch {{}}" for name in names]
    opening = ["(() => {'use strict'; try {", f"const TOKEN = {json.dumps(token)};", _SOURCES["prelude"]]
    return "\n".join([*opening, *scopes, "} catch {} })();"])
