"""One Chromium and its visits: each in a fresh browser context, as many at once as the caller starts.

A visit never raises for what a page does: a failed page is a `Visit` whose `page.error` says why. It raises
`BrowserGone` when Chromium itself has ended.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from policies.observation import PageVisit
from scanner.browser import bookkeeping
from scanner.browser.consent.press import press
from scanner.browser.cookies import merge
from scanner.browser.failures import in_words
from scanner.browser.hooks import script
from scanner.browser.interception import Interception
from scanner.browser.launch import Chromium
from scanner.browser.lookback import blanks, lost, open_blank
from scanner.browser.observers import OBSERVERS, Draft, Observer
from scanner.browser.pipe import BrowserGone, CommandFailed, Connection, Json
from scanner.browser.plan import CookieToSet, Pressed, Visit, VisitPlan
from scanner.browser.scene import Place, Report, Scene, Session
from scanner.browser.settings import BrowserSettings
from scanner.browser.settling import scroll_and_idle, settle
from scanner.browser.targets import AUTO_ATTACH, RUN, commands, worker_paused
from scanner.policy_links import likeliest

_STACKS = 5.0
"""Longest wait for the callers of callers, in seconds."""
_TOO_BUSY = "the browser did not answer in time"


class _Stage:
    """A scene with the observers that watch it."""

    def __init__(self, scene: Scene, observers: list[Observer]) -> None:
        self.scene = scene
        self.observers = observers
        self.failed: set[str] = set()
        self.opened: asyncio.Future[tuple[Session, list[asyncio.Future[Json]]]] = (
            asyncio.get_running_loop().create_future()
        )
        self.popups = 0
        self.pressed: Pressed | None = None
        self.outstanding: set[asyncio.Future[Json]] = set()
        """Stacks asked for, whose reports wait for them."""

    def watching(self) -> list[Observer]:
        """The observers that have not failed."""
        return [observer for observer in self.observers if observer.name not in self.failed]

    def fail(self, observer: Observer, error: BaseException) -> None:
        """This observer is out; the others go on."""
        self.failed.add(observer.name)
        self.scene.note(f"{observer.name} could not be observed: {type(error).__name__} {error}".strip())


class Browser:
    """A running Chromium. Use `await Browser.launch(settings)`, or it with `async with`."""

    def __init__(self, settings: BrowserSettings, process: Chromium) -> None:
        self.settings = settings
        self.process = process
        self._connection: Connection
        self._token = secrets.token_hex(12)
        self._stages: dict[str, _Stage] = {}
        self._by_session: dict[str, _Stage] = {}
        self._interception: Interception

    def __repr__(self) -> str:
        return f"<Browser {self.process!r}, {len(self._stages)} visits under way>"

    @classmethod
    async def launch(cls, settings: BrowserSettings | None = None) -> Self:
        """Start it. Raises FileNotFoundError without Chromium, BrowserGone with its last words when it ends at once."""
        settings = settings or BrowserSettings()
        process = await Chromium.start(settings)
        browser = cls(settings, process)
        browser._connection = await Connection.open(process.read_fd, process.write_fd, browser._hear)
        browser._interception = Interception(browser._connection)
        try:
            await browser._connection.call("Browser.getVersion", seconds=settings.launch_seconds)
            await browser._connection.call("Target.setAutoAttach", AUTO_ATTACH)
        except (BrowserGone, TimeoutError) as error:
            words = process.last_words()
            await browser.close()
            raise BrowserGone(f"Chromium did not start: {words or error}") from error
        return browser

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End Chromium and remove its profile. Closing twice is fine."""
        self._interception.close()
        self._connection.post("Browser.close")
        await asyncio.wait({self._connection.closed}, timeout=3.0)
        self._connection.close()
        await self.process.end()

    @property
    def alive(self) -> bool:
        return not self._connection.closed.done()

    async def visit(self, url: str, plan: VisitPlan | None = None) -> Visit:
        """Load one page as a new visitor and bring back what it did. Raises BrowserGone only."""
        plan = plan or VisitPlan()
        started = time.monotonic()
        if (refusal := _refusal(url)) is not None:
            return Visit(PageVisit(url=url, error=refusal))
        try:
            made = await self._connection.call("Target.createBrowserContext", {"disposeOnDetach": True}, seconds=30.0)
        except TimeoutError:
            return Visit(PageVisit(url=url, error=_TOO_BUSY))
        context = made["browserContextId"]
        scene = Scene(url, plan, self.settings, self._connection, context)
        stage = _Stage(scene, [observer(scene) for observer in OBSERVERS])
        self._stages[context] = stage
        try:
            try:
                error = await self._perform(stage)
            except TimeoutError:
                error = _TOO_BUSY
            except CommandFailed as refused:
                error = f"the browser refused: {refused}"
            return await self._written(stage, error, started)
        finally:
            for session in scene.sessions:
                self._by_session.pop(session, None)
            del self._stages[context]
            self._connection.post("Target.disposeBrowserContext", {"browserContextId": context})

    async def _perform(self, stage: _Stage) -> str | None:
        """Open, load, settle, look. The answer is why the page failed, None when it did not."""
        scene = stage.scene
        deadline = time.monotonic() + self.settings.ceiling_seconds
        context = {"browserContextId": scene.context}
        self._connection.post("Browser.setDownloadBehavior", {"behavior": "deny", **context})
        await self._connection.call("Target.createTarget", {"url": "about:blank", **context}, seconds=30.0)
        scene.main, told = await asyncio.wait_for(stage.opened, 30.0)
        # Navigating swaps the renderer process; what the old one has not yet confirmed would be lost with it.
        await asyncio.wait(told, timeout=10.0)
        if cookies := [_cookie_param(cookie) for cookie in scene.plan.cookies]:
            await self._connection.call("Storage.setCookies", {"cookies": cookies, **context})
        error = await self._navigate(scene, deadline)
        if error is None:
            await settle(scene, deadline)
            if self.settings.thorough and not scene.ended.done():
                await scroll_and_idle(scene)
        if error is None and scene.plan.press is not None and not scene.ended.done():
            stage.pressed = await press(scene, scene.plan.press)
        if not scene.settled and not scene.ended.done() and not await self._answers(scene):
            scene.stuck, error = True, error or "a script of the page runs without end"
        await self._look(stage)
        if scene.main is not None and scene.main.id in scene.sessions and not (scene.stuck or scene.crashed):
            await self._look_back(stage)
        return scene.ended.result() if scene.ended.done() else error

    async def _answers(self, scene: Scene) -> bool:
        """Can the page still be asked anything?"""
        assert scene.main is not None  # noqa: S101  # set when the page was opened
        try:
            await self._connection.call("Runtime.evaluate", {"expression": "1"}, scene.main.id, seconds=4.0)
        except (CommandFailed, TimeoutError):
            return False
        return True

    async def _navigate(self, scene: Scene, deadline: float) -> str | None:
        assert scene.main is not None  # noqa: S101  # set just before
        sent = self._connection.post("Page.navigate", {"url": scene.url}, scene.main.id)
        waiting: set[asyncio.Future[Any]] = {sent, scene.ended}
        await asyncio.wait(waiting, timeout=deadline - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
        if scene.ended.done():
            return scene.ended.result()
        if not sent.done():
            return f"no answer within {self.settings.ceiling_seconds:g} s"
        try:
            answer = sent.result()
        except CommandFailed as error:
            return error.message
        return in_words(answer["errorText"]) if answer.get("errorText") else None

    async def _look(self, stage: _Stage) -> None:
        await self._each(stage, lambda observer: observer.look())

    async def _look_back(self, stage: _Stage) -> None:
        """Let the observers ask for what the visit left behind where no frame is any more. The visit itself is over:
        what happens from now on is told to nobody."""
        scene = stage.scene
        assert scene.main is not None  # noqa: S101  # checked by the caller
        sessions = scene.sessions
        for top, origins in lost(scene).items():
            past = Scene(scene.url, scene.plan, scene.settings, scene.connection, scene.context)
            past.main, past.sessions = scene.main, dict(sessions)
            after = _Stage(past, [])
            after.opened.set_result((past.main, []))
            self._stages[scene.context] = after
            self._by_session |= dict.fromkeys(past.sessions, after)
            reached = await open_blank(past, blanks(top, origins))
            asked = reached.intersection((top, origin) for origin in origins)
            await self._each(stage, partial(_ask_back, past, asked))
            for origin in origins:
                if (top, origin) not in asked:
                    scene.note(f"what {origin} stored could not be read after the page had left it")
            sessions = past.sessions
        for session in sessions:
            self._by_session.pop(session, None)

    async def _each(self, stage: _Stage, ask: Callable[[Observer], Awaitable[None]]) -> None:
        async def one(observer: Observer) -> None:
            try:
                await ask(observer)
            except BrowserGone:
                raise
            except TimeoutError:
                stage.scene.note(f"{observer.name}: the page did not answer, a script of it may run without end")
            except Exception as error:
                stage.scene.note(f"{observer.name}: {type(error).__name__} {error}")

        await asyncio.gather(*(one(observer) for observer in stage.watching()))

    async def _written(self, stage: _Stage, error: str | None, started: float) -> Visit:
        scene, draft = stage.scene, Draft()
        if stage.outstanding:
            await asyncio.wait(set(stage.outstanding), timeout=_STACKS)
            for unanswered in tuple(stage.outstanding):
                unanswered.cancel()  # what was said counts all the same, with the callers known so far
            await asyncio.sleep(0)
        for observer in stage.watching():
            try:
                observer.write(draft)
            except Exception as failure:
                stage.fail(observer, failure)
        cookies = merge(
            draft.writes,
            draft.jar,
            given=((cookie.name, cookie.value, cookie.place[1].removeprefix(".")) for cookie in scene.plan.cookies),
            now=time.time(),
            third_party=scene.third_party,
            page=scene.url,
            existed=draft.existed,
            suspects=draft.suspects,
        )
        page = PageVisit(
            url=scene.url,
            final_url=scene.top_url if scene.answered else None,
            status=scene.status,
            error=error,
            redirects=tuple(scene.redirects),
            title=draft.title,
        )
        return Visit(
            page=page,
            cookies=cookies,
            storage=tuple(draft.storage),
            requests=tuple(draft.requests),
            techniques=tuple(dict.fromkeys(draft.techniques)),
            banners=tuple(draft.banners),
            sent_cookies=tuple(dict.fromkeys(draft.sent)),
            links=tuple(draft.links),
            markup=draft.markup,
            policy_links=likeliest(draft.policy_links),
            console_errors=tuple(draft.console_errors),
            failed_requests=tuple(dict.fromkeys(draft.failed)),
            screenshot=draft.screenshot,
            language=draft.language,
            pressed=stage.pressed,
            notes=tuple(scene.notes),
            seconds=time.monotonic() - started,
        )

    # What the browser says, sorted to the visit it belongs to.

    def _hear(self, session_id: str | None, method: str, params: Json) -> None:
        if method == "Target.attachedToTarget":
            self._attached(session_id, params)
        elif method == "Target.detachedFromTarget":
            self._detached(params["sessionId"])
        elif session_id is not None and (stage := self._by_session.get(session_id)) is not None:
            self._tell(stage, stage.scene.sessions[session_id], method, params)

    def _attached(self, parent: str | None, params: Json) -> None:
        info, session_id = params["targetInfo"], params["sessionId"]
        stage = self._by_session.get(parent or "") or self._stages.get(info.get("browserContextId", ""))
        if stage is None:
            self._connection.post(RUN[0], RUN[1], session_id)
            return
        scene, kind = stage.scene, info["type"]
        session = Session(session_id, kind, info["targetId"], info["url"], parent)
        popup = kind == "page" and stage.opened.done()
        stage.popups += popup
        if popup and stage.popups > self.settings.popups:
            scene.note("the page opened windows, which were closed unseen")
            self._connection.post(RUN[0], RUN[1], session_id)
            self._connection.post("Target.closeTarget", {"targetId": info["targetId"]})
            return
        scene.sessions[session_id] = session
        scene.touch()
        self._by_session[session_id] = stage
        hook = self._hook(scene.plan)
        told = [
            self._connection.post(method, arguments, session_id)
            for method, arguments in commands(kind, scene.plan, self.settings, self.process.version, hook)
        ]
        for observer in stage.watching():
            self._guarded(stage, observer, session, "Target.attachedToTarget", params)
        if kind == "page" and not stage.opened.done():
            stage.opened.set_result((session, told))

    def _detached(self, session_id: str) -> None:
        stage = self._by_session.pop(session_id, None)
        if stage is not None:
            gone = stage.scene.sessions.pop(session_id, None)
            if gone is not None and gone is stage.scene.main:
                stage.scene.end("the page closed itself")

    def _tell(self, stage: _Stage, session: Session, method: str, params: Json) -> None:
        scene = stage.scene
        if method == "Fetch.requestPaused":
            self._interception.paused(scene, session, params)
            return
        if method == "Debugger.paused":
            for command, arguments in worker_paused(self._hook(scene.plan)):
                self._connection.post(command, arguments, session.id)
            return
        if method == "Fetch.authRequired":
            answer = {"requestId": params["requestId"], "authChallengeResponse": {"response": "CancelAuth"}}
            self._connection.post("Fetch.continueWithAuth", answer, session.id)
            return
        if method == "Runtime.consoleAPICalled" and params["args"] and params["args"][0].get("value") == self._token:
            if params["args"][1].get("value") == "leaving":
                begins = json.loads(params["args"][2]["value"])["begins"]
                scene.leaves(session, params["executionContextId"], begins=begins)
            else:
                self._hook_spoke(stage, session, params)
            return
        bookkeeping.hear(scene, session, method, params)
        for observer in stage.watching():
            self._guarded(stage, observer, session, method, params)

    def _guarded(self, stage: _Stage, observer: Observer, session: Session, method: str, params: Json) -> None:
        if method in observer.hears:
            try:
                observer.event(session, method, params)
            except Exception as error:
                stage.fail(observer, error)

    def _hook(self, plan: VisitPlan) -> str:
        names = [observer.hook for observer in OBSERVERS if observer.hook is not None]
        return script([*names, "leaving", *(["privacy_signal"] if plan.gpc else [])], self._token)

    def _hook_spoke(self, stage: _Stage, session: Session, params: Json) -> None:
        """A hook's message; where its asynchronous stack is cut short, the rest is asked for first."""
        innermost = params.get("stackTrace") or {}
        while "parent" in innermost:
            innermost = innermost["parent"]
        cut = innermost.pop("parentId", None)
        if cut is None:
            self._deliver(stage, session, params)
            return

        def answered(rest: asyncio.Future[Json]) -> None:
            if not rest.cancelled() and rest.exception() is None:
                innermost["parent"] = rest.result()["stackTrace"]
            stage.outstanding.discard(rest)
            self._hook_spoke(stage, session, params)

        asked = self._connection.post("Debugger.getStackTrace", {"stackTraceId": cut}, session.id)
        stage.outstanding.add(asked)
        asked.add_done_callback(answered)

    def _deliver(self, stage: _Stage, session: Session, params: Json) -> None:
        scene, (_, kind, data, at) = stage.scene, [argument.get("value") for argument in params["args"]]
        stack = params.get("stackTrace") or {}
        frames = stack.get("callFrames")
        own = frames[0]["scriptId"] if frames else None
        calls = scene.scripts.calls(session.id, stack, skip_script=own)
        report = Report(
            kind=kind,
            data=json.loads(data),
            at=at / 1000,
            script=scene.scripts.blame(calls, fallback=scene.address_of(session)),
            chain=scene.scripts.chain(calls),
            session=session,
        )
        for observer in stage.watching():
            if kind in observer.says:
                try:
                    observer.report(report)
                except Exception as error:
                    stage.fail(observer, error)


def _ask_back(past: Scene, places: frozenset[Place], observer: Observer) -> Awaitable[None]:
    return observer.look_back(past, places)


def _cookie_param(cookie: CookieToSet) -> Json:
    """Network.CookieParam: without a domain it is the URL's host only."""
    param: Json = {"name": cookie.name, "value": cookie.value, "url": cookie.url, "path": cookie.path}
    param |= {"secure": cookie.secure, "httpOnly": cookie.http_only}
    optional = {"domain": cookie.domain, "sameSite": cookie.same_site, "expires": cookie.expires}
    return param | {name: value for name, value in optional.items() if value is not None}


def _refusal(url: str) -> str | None:
    """Why an address is not visited at all."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        return f"not a web address: {error}"
    if parts.scheme not in ("http", "https") or not host:
        return f"not a web address: {parts.scheme or 'no scheme'}"
    return None
