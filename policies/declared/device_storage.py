"""The other way to declare: IAB Europe's vendor device storage disclosure, which is JSON. Pure.

`read_policy` hands over whatever opens like an object; what is no disclosure is handed back as None and read as prose.
"""

from __future__ import annotations

import json
import re
from typing import Any

from policies.declared.model import Declared, DeclaredCookie
from policies.declared.sources import decode
from policies.imports.disclosure import PURPOSES
from policies.purpose import Purpose

MOST = 12_000_000
LONGEST_LIFE = 10**12
_KINDS = {"cookie": "cookie", "web": "storage"}


def read_device_storage(data: bytes | str, content_type: str = "") -> Declared | None:
    """What a disclosure declares, lifetimes in seconds; None where the document is none.

    Entries without a usable identifier are left out; positions count in the document's own text.
    """
    text = (data[:MOST] if isinstance(data, str) else decode(data[:MOST], content_type)).lstrip("\ufeff")
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    entries = document.get("disclosures")
    if not isinstance(entries, list):
        return None
    cookies = []
    start = 0
    for entry in entries:
        if isinstance(entry, dict) and (found := _cookie(entry, text, start)):
            cookies.append(found)
            start = found.position + 1
    return Declared(cookies=tuple(cookies))


def _cookie(entry: dict[str, Any], text: str, start: int) -> DeclaredCookie | None:
    name, kind = entry.get("identifier"), _KINDS.get(str(entry.get("type")))
    if not isinstance(name, str) or not name.strip("*? ") or kind is None:
        return None
    written = re.compile(rf'"identifier"\s*:\s*{re.escape(json.dumps(name, ensure_ascii=False))}')
    where = written.search(text, start)
    age = entry.get("maxAgeSeconds")
    known = isinstance(age, int | float) and not isinstance(age, bool) and 0 <= age < LONGEST_LIFE
    session = kind == "cookie" and known and age == 0
    return DeclaredCookie(
        name=name,
        lifetime=int(age) if known and not session and age is not None else None,
        session=session,
        lifetime_text=f"maxAgeSeconds {age}" if known else None,
        purpose=_purpose(entry.get("purposes")),
        kind="storage" if kind == "storage" else "cookie",
        quote=where[0] if where else "",
        position=where.start() if where else 0,
    )


def _purpose(numbers: object) -> Purpose | None:
    given = {number for number in numbers if isinstance(number, int)} if isinstance(numbers, list) else set()
    return next((purpose for known, purpose in PURPOSES if known & given), None)
