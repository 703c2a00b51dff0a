"""Is a piece of our own markup well-formed XML by itself? No I/O; only ever given markup of ours."""

from __future__ import annotations

from functools import lru_cache
from xml.parsers import expat


@lru_cache(maxsize=64)
def is_well_formed(fragment: bytes) -> bool:
    """May these bytes stand inside an XML element?"""
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(b"<x>" + fragment + b"</x>", True)
    except expat.ExpatError:
        return False
    return True
