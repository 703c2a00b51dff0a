"""What every target is told before it may run: a table by kind of target. Sent in one go, in order, nothing awaited.

Targets wait for a debugger when they start, so that observing begins before their first line of script. A command
that a kind of target does not know is refused by it, and nobody waits for the refusal.
"""

from __future__ import annotations

import json

from scanner.browser.disguise import override
from scanner.browser.pipe import Json
from scanner.browser.plan import VisitPlan
from scanner.browser.settings import BrowserSettings

Command = tuple[str, Json]

RUN: Command = ("Runtime.runIfWaitingForDebugger", {})
RESUME: Command = ("Debugger.resume", {})
DOCUMENTS = frozenset({"page", "iframe"})
WORKERS = frozenset({"worker", "shared_worker", "service_worker"})
AUTO_ATTACH: Json = {
    "autoAttach": True,
    "waitForDebuggerOnStart": True,
    "flatten": True,
    "filter": [{"type": kind} for kind in sorted(DOCUMENTS | WORKERS)],
}

_OBSERVED: tuple[Command, ...] = (
    ("Network.enable", {"maxPostDataSize": 65_536, "maxTotalBufferSize": 1_000_000, "maxResourceBufferSize": 100_000}),
    ("Runtime.enable", {}),
    ("Debugger.enable", {"maxScriptsCacheSize": 0}),
    ("Debugger.setAsyncCallStackDepth", {"maxDepth": 32}),
    ("Log.enable", {}),
    ("Inspector.enable", {}),
)


def commands(kind: str, plan: VisitPlan, settings: BrowserSettings, version: str, hook: str) -> list[Command]:
    """All commands for a new target of this kind, the one that lets it run last."""
    if kind not in DOCUMENTS | WORKERS:
        return [RUN]
    found = [*_OBSERVED, ("Target.setAutoAttach", AUTO_ATTACH)]
    found.append(("Emulation.setUserAgentOverride", override(version, settings.accept_language)))
    if headers := plan.all_headers():
        found.append(("Network.setExtraHTTPHeaders", {"headers": headers}))
    if plan.allow is not None:
        found.append(("Fetch.enable", {"patterns": [{"urlPattern": "*"}], "handleAuthRequests": True}))
    elif kind in DOCUMENTS:
        found.append(("Fetch.enable", {"patterns": [{"urlPattern": "*", "resourceType": "Document"}]}))
    if kind in DOCUMENTS:
        found += [
            ("Debugger.setSkipAllPauses", {"skip": True}),
            ("Page.enable", {}),
            ("DOMStorage.enable", {}),
            *(_seeded(plan) if plan.keys else ()),
            ("Page.addScriptToEvaluateOnNewDocument", {"source": hook, "runImmediately": True}),
        ]
        if not plan.javascript:
            found.append(("Emulation.setScriptExecutionDisabled", {"value": True}))
    else:
        found.append(("Debugger.setInstrumentationBreakpoint", {"instrumentation": "beforeScriptExecution"}))
    return [*found, RUN]


def _seeded(plan: VisitPlan) -> list[Command]:
    """The visitor's own keys, put there before any script of the page, each only where the page has none yet."""
    keys = json.dumps([[key.origin, key.area, key.key, key.value] for key in plan.keys])
    source = f"""for (const [origin, area, key, value] of {keys}) try {{
      const storage = area === 'local' ? localStorage : sessionStorage;
      if (self.origin === origin && storage.getItem(key) === null) storage.setItem(key, value);
    }} catch {{}}"""
    return [("Page.addScriptToEvaluateOnNewDocument", {"source": source, "runImmediately": True})]


def worker_paused(hook: str) -> list[Command]:
    """For a worker that stands before its first line: a worker has no scripts for new documents, and crashes Chromium
    when it must evaluate one before it runs. Every later pause is skipped."""
    return [("Runtime.evaluate", {"expression": hook}), ("Debugger.setSkipAllPauses", {"skip": True}), RESUME]
