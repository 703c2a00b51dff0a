"""Gather events that arrive while a commit runs and commit them together: one fsync for all of them.

Nobody is answered before the commit that holds his row has returned. A group that fails, fails as a whole, and each
of its callers is told; the next group is tried afresh, so the log mends itself when the disk or the server is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from proxy.consent.log.event import Event, Row
from proxy.consent.log.store import LogUnavailable

LARGEST_GROUP = 500
LONGEST_QUEUE = 20_000

Commit = Callable[[Sequence[Event]], Awaitable[Sequence[Row]]]


class GroupCommit:
    """`append` from many tasks; one task of ours commits. `close` waits until everything accepted is committed."""

    def __init__(
        self, commit: Commit, *, largest_group: int = LARGEST_GROUP, longest_queue: int = LONGEST_QUEUE
    ) -> None:
        self._commit = commit
        self._largest_group = largest_group
        self._longest_queue = longest_queue
        self._waiting: list[tuple[Event, asyncio.Future[Row]]] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.trouble: str | None = None

    def __repr__(self) -> str:
        return f"<GroupCommit {len(self._waiting)} waiting{', ' + self.trouble if self.trouble else ''}>"

    async def append(self, event: Event) -> Row:
        """The row, once it is durable. Raises LogUnavailable."""
        if self._closed:
            raise LogUnavailable("the consent log is closed")
        if len(self._waiting) >= self._longest_queue:
            raise LogUnavailable(f"{self._longest_queue} events are waiting to be written")
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="consent log writer")
        return await future

    async def close(self) -> None:
        self._closed = True
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._largest_group], self._waiting[self._largest_group :]
                await self._write(group)
        finally:
            self._task = None
            for _, future in self._waiting:
                future.cancel()

    async def _write(self, group: Sequence[tuple[Event, asyncio.Future[Row]]]) -> None:
        try:
            rows = await self._commit([event for event, _ in group])
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:
            self.trouble = error.reason if isinstance(error, LogUnavailable) else repr(error)
            for _, future in group:
                if not future.done():
                    future.set_exception(LogUnavailable(self.trouble).with_traceback(None))
            return
        self.trouble = None
        for (_, future), row in zip(group, rows, strict=True):
            if not future.done():
                future.set_result(row)
