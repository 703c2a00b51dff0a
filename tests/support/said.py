"""What a command of the program said, and the code it ended with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]
"""`run("catalogue", "lookup", "_ga", stdin="")`."""
