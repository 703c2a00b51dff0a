"""Who is to blame: DevTools stacks to frames, a script to who loaded it. Pure bookkeeping, fed with events.

A frame's script may be inline (its URL is the document's), evaluated (no URL) or made at run time (`blob:`, `data:`).
The one to blame is the first script with an address of its own along: the call stack, its asynchronous parents, and
for an inline or evaluated script that another script put there, that other script.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from policies.observation import Frame
from scanner.browser.pipe import Json

_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Script:
    """One parsed script: its real address (not its sourceURL) and the stack that was running when it was parsed."""

    url: str
    loader: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call frame with the script it ran in, where that script is known."""

    frame: Frame
    script: Script | None = None


@dataclass(slots=True)
class ScriptBook:
    """All scripts of one visit, by session and script id, and who asked for each external one."""

    documents: set[str] = field(default_factory=set)
    _scripts: dict[tuple[str, str], Script] = field(default_factory=dict)
    _attached_by: dict[str, tuple[Call, ...]] = field(default_factory=dict)
    _requested_by: dict[str, tuple[Call, ...]] = field(default_factory=dict)

    def parsed(self, session: str, params: Json) -> None:
        """Debugger.scriptParsed."""
        url = params.get("embedderName", "")
        if not url and not params.get("hasSourceURL"):
            url = params.get("url", "")
        loader = self.calls(session, params.get("stackTrace"))
        if not loader and url.startswith("about:"):
            frame = (params.get("executionContextAuxData") or {}).get("frameId", "")
            loader = self._attached_by.get(frame, ())
        self._scripts[session, params["scriptId"]] = Script(url, loader)

    def attached(self, session: str, frame: str, stack: Json | None) -> None:
        """Page.frameAttached: a frame without an address of its own is the work of whoever put it there."""
        if calls := self.calls(session, stack):
            self._attached_by[frame] = calls

    def requested(self, session: str, url: str, initiator: Json) -> None:
        """Network.requestWillBeSent of a script or a document: the first one that asks is remembered."""
        self._requested_by.setdefault(url, self.initiator(session, initiator))

    def initiator(self, session: str, initiator: Json) -> tuple[Call, ...]:
        """Who made a request: a call stack, or the document whose markup names it."""
        if calls := self.calls(session, initiator.get("stack")):
            return calls
        url = initiator.get("url", "")
        if not url:
            return ()
        frame = Frame(url=url, line=int(initiator.get("lineNumber", -1)) + 1)
        return (Call(frame, Script(url)),)

    def calls(self, session: str, stack: Json | None, *, skip_script: str | None = None) -> tuple[Call, ...]:
        """A StackTrace with its asynchronous parents, nearest first, without leading frames of `skip_script`."""
        found: list[Call] = []
        while stack is not None and len(found) < 200:
            for call in stack.get("callFrames", ()):
                if skip_script is not None and call["scriptId"] == skip_script:
                    continue
                script = self._scripts.get((session, call["scriptId"]))
                frame = Frame(
                    url=script.url if script else call.get("url", ""),
                    line=call.get("lineNumber", -1) + 1,
                    column=call.get("columnNumber", -1) + 1,
                    function=call.get("functionName", ""),
                )
                found.append(Call(frame, script))
            stack = stack.get("parent")
        return tuple(found)

    def chain(self, calls: Iterable[Call]) -> tuple[Frame, ...]:
        """The frames, followed by those of whoever loaded the outermost script, and so on up to the page."""
        frames: list[Frame] = []
        seen: set[str] = set()
        following = tuple(calls)
        for _ in range(_DEEPEST):
            if not following:
                break
            frames += [call.frame for call in following if call.frame.url]
            following = self._loader(following[-1], seen)
        return tuple(frames)

    def blame(self, calls: Iterable[Call], fallback: str = "") -> str:
        """The address of the script to blame, `fallback` where no frame has one."""
        return self._blame(tuple(calls), 0) or fallback

    def _blame(self, calls: tuple[Call, ...], depth: int) -> str:
        if depth > _DEEPEST:
            return ""
        for call in calls:
            url = call.frame.url
            loader = call.script.loader if call.script else ()
            made_at_run_time = not _addressed(url) or url in self.documents
            if made_at_run_time and loader and (found := self._blame(loader, depth + 1)):
                return found
            if _addressed(url):
                return url
            if (asked := self._requested_by.get(url)) and (found := self._blame(asked, depth + 1)):
                return found
        return ""

    def _loader(self, call: Call, seen: set[str]) -> tuple[Call, ...]:
        url = call.frame.url
        if url in self.documents:
            return call.script.loader if call.script and call.script.loader and not _visit(seen, url) else ()
        if _visit(seen, url):
            return ()
        return self._requested_by.get(url) or (call.script.loader if call.script else ())


def _addressed(url: str) -> bool:
    return url.startswith(("http:", "https:", "file:"))


def _visit(seen: set[str], url: str) -> bool:
    """Was it seen before? Remembers it."""
    if url in seen:
        return True
    seen.add(url)
    return False
