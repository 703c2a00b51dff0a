"""The same bytes as a network might bring them: whole, one by one, and cut at seeded places."""

from __future__ import annotations

import random
from collections.abc import Iterator


def arrivals(data: bytes, *, seed: int = 0, cuts: int = 4) -> Iterator[list[bytes]]:
    """Ways in which `data` may arrive, the whole first. The same seed cuts at the same places."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    places = random.Random(seed)
    for pieces in range(2, 2 + cuts):
        at = sorted(places.randrange(len(data) + 1) for _ in range(pieces - 1)) if data else []
        yield [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]
