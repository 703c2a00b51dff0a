"""Requests: what was asked for, by whom, along which redirects, with which cookies, and what became of it."""

from __future__ import annotations

from policies.observation import ObservedRequest
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.plan import FailedRequest, SentCookie
from scanner.browser.requests import Exchange, Hop
from scanner.browser.scene import Scene, Session
from scanner.browser.transfers import transfer_of

_LOCAL = ("data:", "blob:", "about:", "chrome", "devtools:", "javascript:")


class Network(Observer):
    name = "requests"
    hears = frozenset(
        {
            "Network.requestWillBeSent",
            "Network.requestWillBeSentExtraInfo",
            "Network.responseReceived",
            "Network.responseReceivedExtraInfo",
            "Network.loadingFailed",
            "Network.loadingFinished",
            "Network.dataReceived",
            "Network.webSocketCreated",
            "Network.webSocketWillSendHandshakeRequest",
            "Network.webSocketHandshakeResponseReceived",
            "Network.webSocketFrameSent",
        }
    )

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._exchanges: dict[str, Exchange] = {}

    def event(self, session: Session, method: str, params: Json) -> None:
        exchange = self._exchanges.setdefault(params["requestId"], Exchange())
        match method:
            case "Network.requestWillBeSent":
                self._sent(exchange, session, params)
            case "Network.requestWillBeSentExtraInfo":
                exchange.sent.append(params)
            case "Network.responseReceivedExtraInfo":
                exchange.received.append(params)
            case "Network.webSocketCreated":
                self._socket(exchange, session, params)
            case _ if not exchange.hops:
                pass
            case "Network.responseReceived":
                exchange.hops[-1].status = params["response"].get("status")
                exchange.hops[-1].answered = params["response"]
                exchange.hops[-1].has_extra = params.get("hasExtraInfo")
            case "Network.dataReceived":
                exchange.hops[-1].decoded += params.get("dataLength", 0)
            case "Network.loadingFinished":
                exchange.hops[-1].ended = params.get("timestamp", 0.0)
                exchange.hops[-1].encoded = int(params.get("encodedDataLength", 0))
            case "Network.webSocketWillSendHandshakeRequest":
                exchange.hops[-1].at = params.get("wallTime", 0.0)
                exchange.hops[-1].sent = params.get("timestamp", 0.0)
                exchange.hops[-1].asked = params.get("request", {})
            case "Network.webSocketHandshakeResponseReceived":
                exchange.hops[-1].status = params["response"].get("status")
                exchange.hops[-1].headers = params["response"].get("headers", {})
                exchange.hops[-1].answered = params["response"]
            case "Network.webSocketFrameSent":
                if len(exchange.hops[-1].body) < 65_536:
                    exchange.hops[-1].body += params["response"].get("payloadData", "")[:8192]
            case "Network.loadingFailed":
                exchange.hops[-1].failure = _reason(params)

    def _sent(self, exchange: Exchange, session: Session, params: Json) -> None:
        request = params["request"]
        if request["url"].startswith(_LOCAL):
            return
        before = exchange.hops[-1] if exchange.hops else None
        redirect = params.get("redirectResponse")
        if before is not None and redirect:
            before.status = redirect.get("status")
            before.answered, before.ended = redirect, params.get("timestamp", 0.0)
            before.encoded = int(redirect.get("encodedDataLength", 0))
            before.has_extra = params.get("redirectHasExtraInfo")
        exchange.hops.append(
            Hop(
                url=request["url"],
                kind=params.get("type", "Other").lower(),
                request=params["requestId"],
                session=session.id,
                at=params.get("wallTime", 0.0),
                initiator=self.scene.scripts.initiator(session.id, params.get("initiator", {})),
                asker=session.kind,
                redirected_from=before.url if before is not None and redirect else None,
                body=request.get("postData", "")[:65_536],
                asked=request,
                sent=params.get("timestamp", 0.0),
            )
        )

    def _socket(self, exchange: Exchange, session: Session, params: Json) -> None:
        self.scene.touch()
        initiator = self.scene.scripts.initiator(session.id, params.get("initiator", {}))
        exchange.hops.append(Hop(params["url"], "websocket", params["requestId"], session.id, 0.0, initiator))

    def write(self, draft: Draft) -> None:
        for exchange in self._exchanges.values():
            draft.hops += exchange.resolve()
        for hop in draft.hops:
            draft.requests.append(self._observed(hop))
            if hop.failure:
                draft.failed.append(FailedRequest(hop.url, hop.failure))
            for entry in hop.associated:
                cookie = entry["cookie"]
                if not entry.get("blockedReasons"):
                    domain = cookie["domain"].removeprefix(".")
                    draft.sent.append(SentCookie(cookie["name"], hop.url, domain, cookie["value"]))

    def _observed(self, hop: Hop) -> ObservedRequest:
        return ObservedRequest(
            url=hop.url,
            page=self.scene.url,
            type=hop.kind,
            third_party=self.scene.third_party(hop.url),
            initiator=self.scene.scripts.chain(hop.initiator),
            redirected_from=hop.redirected_from,
            status=hop.status,
            blocked=hop.failure,
            transfer=transfer_of(hop) if self.scene.plan.transfers else None,
        )


def _reason(params: Json) -> str:
    if blocked := params.get("blockedReason"):
        return "refused: not an allowed address" if blocked == "inspector" else f"blocked: {blocked}"
    if cors := params.get("corsErrorStatus"):
        return f"CORS: {cors.get('corsError', '')}"
    return str(params.get("errorText") or "failed")
