"""Where a chain begins after its oldest rows were pruned: a signed statement of the last pruned row's place and hash.

Only who holds the signing key can shorten a chain at its beginning without `log verify` noticing.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.consent.log.chain import Head
from proxy.consent.log.event import canonical
from proxy.consent.log.store import Session
from runtime.keys import Keys, signature_fits

_SIGNED = b"samtykke boundary 1\n"


async def prune(session: Session, last: Head, keys: Keys, time: str) -> None:
    """Delete the rows of a chain up to and including `last`, and leave the signed boundary in their place."""
    key, signature = keys.sign(_statement(last.chain, last.seq, last.hash, time))
    await session.many("DELETE FROM consent_entry WHERE chain = ? AND seq <= ?", [(last.chain, last.seq)])
    await session.many(
        "INSERT INTO consent_boundary (chain, seq, hash, time, key, signature) VALUES (?, ?, ?, ?, ?, ?)",
        [(last.chain, last.seq, last.hash, time, key, signature)],
    )


async def newest(session: Session, chain: str, public_keys: Mapping[str, bytes]) -> tuple[Head, list[tuple[int, str]]]:
    """Where the chain must begin, and which boundaries (by seq) are not to be believed, with the reason."""
    start, unsound = Head(chain), []
    for seq, hash_, time, key, signature in await session.fetch(
        "SELECT seq, hash, time, key, signature FROM consent_boundary WHERE chain = ? ORDER BY seq", (chain,)
    ):
        if signature_fits(public_keys, key, _statement(chain, seq, hash_, time), signature):
            start = Head(chain, seq, hash_, time)
        else:
            unsound.append((seq, f"the boundary at row {seq} is not signed by a key that was given: forged or altered"))
    return start, unsound


def _statement(chain: str, seq: int, hash_: bytes, time: str) -> bytes:
    return _SIGNED + canonical({"chain": chain, "hash": hash_.hex(), "seq": seq, "time": time}).encode()
