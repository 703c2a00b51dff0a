"""A long chain judged in stretches by several processes at once; one of them when run as a program.

The parent shares out places in the chain, each child reads and judges its rows and answers with a Stretch; lines of
JSON over pipes, so that an address with a password stands in no process list. The parent joins the answers end to end
and accepts nothing but a chain without any fault: a child that dies, cannot read or finds something is no answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from typing import TextIO

from proxy.consent.log import store
from proxy.consent.log.chain import Answers, Head, Quoted
from proxy.consent.log.chain_check import ChainCheck, Expected, Stretch
from proxy.consent.log.opening import store_of

_PROGRAM = f"from {__name__} import main; main()"
_LONGEST_LINE = 2**26
"""Bytes of one answer: every row of a stretch may have been erased."""


@dataclass(frozen=True, slots=True)
class Division:
    """`processes` judge at once, `rows` at a time; a chain shorter than two such stretches is not shared out."""

    processes: int
    rows: int = 50_000

    @classmethod
    def of_this_machine(cls) -> Division:
        return cls(min(8, len(os.sched_getaffinity(0))))


async def joined(url: str, start: Head, last: int, expected: Expected, division: Division) -> ChainCheck | None:
    """The closed check of the rows behind `start` up to `last`, or None: judge them in one snapshot instead."""
    if division.processes < 2 or last - start.seq < 2 * division.rows:
        return None
    trial = replace(expected, matched=set(expected.matched))
    check = ChainCheck(start, trial, Quoted(), Answers())
    claimed = sorted(expected.claims.get(start.chain, ()))
    questions = [
        _question(url, start, first, min(first + division.rows - 1, last), claimed)
        for first in range(start.seq + 1, last + 1, division.rows)
    ]
    try:
        if not await _all_joined(check, questions, division.processes):
            return None
    except OSError:
        return None
    check.close()
    if check.faults:
        return None
    expected.matched &= trial.matched
    return check


def _question(url: str, start: Head, first: int, last: int, claimed: Iterable[int]) -> bytes:
    """Where the stretch begins is told by hash only for the first: the others read the row before theirs."""
    question = {
        "url": url,
        "chain": start.chain,
        "first": first,
        "last": last,
        "prev": start.hash.hex() if first == start.seq + 1 else None,
        "note": [seq for seq in claimed if first <= seq <= last],
    }
    return json.dumps(question).encode() + b"\n"


async def _all_joined(check: ChainCheck, questions: Sequence[bytes], processes: int) -> bool:
    """Whoever is idle takes the next question; answers are joined in the order of the questions, until one is no."""
    waiting = iter(enumerate(questions))
    early: dict[int, Stretch | None] = {}
    due, fits = 0, True

    async def ask(child: Process) -> None:
        nonlocal due, fits
        for number, question in waiting:
            early[number] = await _answer(child, question)
            while fits and due in early:
                part = early.pop(due)
                due, fits = due + 1, part is not None and check.join(part)
            if not fits:
                return

    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(_child()) for _ in range(min(processes, len(questions)))]
        async with asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(ask(child))
    return fits


async def _answer(child: Process, question: bytes) -> Stretch | None:
    assert child.stdin is not None  # noqa: S101  both are pipes: see _child
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(question)
        await child.stdin.drain()
        return _stretch(await child.stdout.readline())
    except (OSError, ValueError, KeyError, TypeError):
        return None


@asynccontextmanager
async def _child() -> AsyncIterator[Process]:
    """A process of ours, gone when the block ends. It finds our packages where we did, never in the folder at hand."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", _PROGRAM, stdin=PIPE, stdout=PIPE, limit=_LONGEST_LINE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.communicate()


def _stretch(line: bytes) -> Stretch | None:
    answer = json.loads(line)
    return None if answer is None else Stretch(
        _end(answer["begin"]), _end(answer["end"]), answer["rows"], answer["faults"], answer["erased"],
        frozenset(answer["notices"]), tuple(_end(each) for each in answer["passed"]), tuple(answer["unexplained"]),
        tuple(answer["earlier"]),
    )  # fmt: skip


def _end(pair: tuple[int, str]) -> tuple[int, bytes]:
    return pair[0], bytes.fromhex(pair[1])


def _told(found: Stretch) -> dict[str, object]:
    def end(pair: tuple[int, bytes]) -> tuple[int, str]:
        return pair[0], pair[1].hex()

    return {
        "begin": end(found.begin), "end": end(found.end), "rows": found.rows, "faults": found.faults,
        "erased": found.erased, "notices": list(found.notices), "passed": [end(each) for each in found.passed],
        "unexplained": found.unexplained, "earlier": found.earlier,
    }  # fmt: skip


async def _judged(lines: Iterable[bytes]) -> AsyncIterator[Stretch | None]:
    """The child's part: a stretch for each question, None where it cannot be read."""
    quoted, answers = Quoted(), Answers()
    for line in lines:
        question = json.loads(line)
        chain, first = question["chain"], question["first"]
        expected = Expected(claims={chain: {seq: [] for seq in question["note"]}})
        try:
            database = store_of(question["url"], read_only=True)
            try:
                async with database.reading() as session:
                    prev = question["prev"]
                    before = None if prev else await store.one(session, chain, first - 1)
                    if prev is None and before is None:
                        yield None
                        continue
                    start = Head(chain, first - 1, before[21] if before else bytes.fromhex(prev))
                    check = ChainCheck(start, expected, quoted, answers, whole=False)
                    async for page in store.records(session, chain, first, question["last"]):
                        check.feed(page)
            finally:
                await database.close()
        except store.LogUnavailable:
            yield None
        else:
            yield check.stretch()


def _lines() -> Iterator[bytes]:
    while line := sys.stdin.buffer.readline():
        yield line


async def _serve(answers: TextIO) -> None:
    """A child's life: a line in, a line out, until the parent closes the pipe."""
    async for found in _judged(_lines()):
        answers.write(json.dumps(None if found is None else _told(found)) + "\n")
        answers.flush()


def main() -> None:
    """Whatever a library prints goes beside the answers. Ctrl-C reaches every process; the parent has the word."""
    answers = sys.stdout
    with redirect_stdout(sys.stderr), suppress(KeyboardInterrupt):
        asyncio.run(_serve(answers))
