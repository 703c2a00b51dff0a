"""Which element and attribute contacts whom, and what address is meant. No I/O: one table, one resolver.

The table says what a browser loads by itself while it shows a page (HTML Standard, SVG 2, Resource Hints,
Attribution Reporting). What a visitor has to do first is not in it: links, and `action`/`formaction` of forms,
which carry payments. `base` only resolves addresses. The resolver follows the URL Standard as far as the host
matters: leading controls, tabs and line breaks inside, backslashes, missing slashes, percent-encoded hosts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes, urljoin

Kind = Literal[
    "script", "frame", "image", "style", "font", "media", "connect", "hint", "ping", "worker", "object", "document"
]
Shape = Literal["url", "srcset", "list", "steps", "refresh", "css", "html"]
"""How the value names addresses: one URL, image candidates, URLs between spaces, between semicolons, `5; url=..`, CSS,
a document."""


@dataclass(frozen=True, slots=True)
class Load:
    """One attribute that loads: as which kind of request, and how its value is written."""

    kind: Kind
    shape: Shape = "url"


_IMAGE = Load("image")
_SRCSET = Load("image", "srcset")
_PING = Load("ping", "list")
_MEDIA = Load("media")
_SVG_IMAGE = {"href": _IMAGE, "xlink:href": _IMAGE}
_BACKGROUND = {"background": _IMAGE}
_STEP = Load("image", "steps")
_ANIMATED = dict.fromkeys(("values", "from", "to", "by"), _STEP)
_CSS = Load("image", "css")

EMBEDS: Mapping[str, Mapping[str, Load]] = {
    "script": {
        "src": Load("script"),
        "href": Load("script"),
        "xlink:href": Load("script"),
        "attributionsrc": _PING,
    },
    "iframe": {"src": Load("frame"), "srcdoc": Load("frame", "html")},
    "frame": {"src": Load("frame")},
    "fencedframe": {"src": Load("frame")},
    "portal": {"src": Load("frame")},
    "embed": {"src": Load("object")},
    "object": {"data": Load("object")},
    "img": {"src": _IMAGE, "srcset": _SRCSET, "attributionsrc": _PING},
    "image": {"src": _IMAGE, "srcset": _SRCSET, **_SVG_IMAGE},
    "feimage": _SVG_IMAGE,
    "use": _SVG_IMAGE,
    "set": _ANIMATED,
    "animate": _ANIMATED,
    "input": {"src": _IMAGE},
    "source": {"src": _MEDIA, "srcset": _SRCSET},
    "video": {"src": _MEDIA, "poster": _IMAGE},
    "audio": {"src": _MEDIA},
    "track": {"src": _MEDIA},
    "link": {"href": Load("hint"), "imagesrcset": _SRCSET},
    "meta": {"content": Load("document", "refresh")},
    "a": {"ping": _PING, "attributionsrc": _PING},
    "area": {"ping": _PING, "attributionsrc": _PING},
    "body": _BACKGROUND,
    "table": _BACKGROUND,
    "thead": _BACKGROUND,
    "tbody": _BACKGROUND,
    "tfoot": _BACKGROUND,
    "tr": _BACKGROUND,
    "td": _BACKGROUND,
    "th": _BACKGROUND,
    "col": _BACKGROUND,
    "colgroup": _BACKGROUND,
}
"""Element -> attribute -> load. `link`, `meta`, `input`, `set` and `animate` load only as `load_of` says."""

EVERYWHERE: Mapping[str, Load] = {
    "style": _CSS,
    **dict.fromkeys(
        ("fill", "stroke", "filter", "mask", "clip-path", "cursor", "marker-start", "marker-mid", "marker-end"), _CSS
    ),
}
"""Attributes of any element: `style`, and the SVG presentation attributes that take `url()`."""

RELS: Mapping[str, Kind] = {
    "stylesheet": "style",
    "icon": "image",
    "apple-touch-icon": "image",
    "apple-touch-icon-precomposed": "image",
    "apple-touch-startup-image": "image",
    "fluid-icon": "image",
    "mask-icon": "image",
    "modulepreload": "script",
    "import": "document",
    "manifest": "connect",
    "search": "connect",
    "compression-dictionary": "connect",
    "prefetch": "hint",
    "prerender": "hint",
    "preconnect": "hint",
    "dns-prefetch": "hint",
    "subresource": "hint",
}
"""Link relations that contact a host; `preload` is judged by its `as`."""

PRELOAD_AS: Mapping[str, Kind] = {
    "script": "script",
    "style": "style",
    "image": "image",
    "font": "font",
    "audio": "media",
    "video": "media",
    "track": "media",
    "fetch": "connect",
    "document": "frame",
    "embed": "object",
    "object": "object",
    "worker": "worker",
    "sharedworker": "worker",
}


def link_kind(rel: str, destination: str = "") -> Kind | None:
    """As what a `link` element (or `Link` header) loads; None where it loads nothing. `stylesheet` wins."""
    words = rel.lower().split()
    if "stylesheet" in words:
        return "style"
    for word in words:
        if word == "preload":
            return PRELOAD_AS.get(destination.strip().lower(), "hint")
        if kind := RELS.get(word):
            return kind
    return None


def load_of(element: str, attribute: str, attributes: Mapping[str, str]) -> Load | None:
    """What this attribute of this element loads, given all its attributes; None for nothing. Names in lower case."""
    load = EMBEDS.get(element, {}).get(attribute) or EVERYWHERE.get(attribute)
    if load is None:
        return None
    match element:
        case "link" if attribute == "href":
            kind = link_kind(attributes.get("rel", ""), attributes.get("as", ""))
            return Load(kind) if kind else None
        case "meta" if attribute == "content":
            return load if attributes.get("http-equiv", "").strip().lower() == "refresh" else None
        case "input" if attribute == "src":
            return load if attributes.get("type", "").strip().lower() == "image" else None
        case "set" | "animate" if load is _STEP:
            return load if attributes.get("attributename", "").strip().lower() in _SVG_IMAGE else None
    return load


_JAVASCRIPT = frozenset(
    [f"{top}/{x}{sub}" for top in ("text", "application") for x in ("", "x-") for sub in ("javascript", "ecmascript")]
    + [f"text/javascript1.{n}" for n in range(6)]
    + ["text/jscript", "text/livescript"]
)
SCRIPT_TYPES = _JAVASCRIPT | {"module", "importmap", "speculationrules"}
"""`type` values that make a browser act on a script element; anything else is data."""


def script_type(attributes: Mapping[str, str]) -> str | None:
    """javascript, module, importmap or speculationrules; None for a data block, which is never run."""
    declared = attributes.get("type")
    if declared is None:
        language = attributes.get("language", "")
        declared = f"text/{language}" if language else ""
    essence = declared.split(";")[0].strip().lower()
    if not essence or essence in _JAVASCRIPT:
        return "javascript"
    return essence if essence in SCRIPT_TYPES else None


_C0_OR_SPACE = "".join(map(chr, range(33)))
_INNER = str.maketrans("", "", "\t\n\r")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_AUTHORITY = re.compile(r"([^/?#]*)(.*)", re.DOTALL)
_IPV4 = re.compile(r"(?:(?:0x[0-9a-f]*|\d+)(?:\.|$)){1,4}")
_PLAIN = re.compile(r"((?:https?:)?//(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*(?=/)|(?=/[^/\\]))/[!-\[\]-~]*")
"""How nearly every address is written: nothing to normalise."""
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
SPECIAL = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
"""Schemes with an authority, and the port they leave out."""


def resolve(written: str, base: str) -> str:
    """The absolute URL a browser would ask for, or "" where it would ask for none.

    `written` is the attribute's value with its character references resolved; `base` is absolute. Host and scheme
    are normalised (lower case, ASCII, default port gone); path and query are kept as written.
    """
    if (plain := _PLAIN.fullmatch(written)) and "/." not in written and "/%2" not in written:
        if not plain[1]:
            return _origin(base) + written
        return written if plain[1][0] == "h" else f"{base.partition(':')[0]}:{written}"
    text = written.strip(_C0_OR_SPACE).translate(_INNER)
    scheme_match = _SCHEME.match(text)
    base_scheme = base.partition(":")[0].lower()
    if scheme_match is None:
        scheme, rest = base_scheme, text
    else:
        scheme, rest = scheme_match[1].lower(), text[scheme_match.end() :]
    if scheme not in SPECIAL:
        return f"{scheme}:{rest}" if scheme_match else ""
    path, mark, tail = _split_path(rest)
    path = path.replace("\\", "/")
    if (scheme_match is not None and (scheme != base_scheme or path.startswith("/"))) or path.startswith("//"):
        if scheme_match is not None and scheme == base_scheme and not path.startswith("//"):
            return _joined(base, path, mark + tail)
        return _absolute(scheme, path.lstrip("/") + mark + tail)
    return _joined(base, path, mark + tail)


def _split_path(rest: str) -> tuple[str, str, str]:
    for position, char in enumerate(rest):
        if char in "?#":
            return rest[:position], char, rest[position + 1 :]
    return rest, "", ""


def _joined(base: str, path: str, tail: str) -> str:
    try:
        return (
            urljoin(base, "./" + path + tail if path and path[0] not in "/?#" else path + tail)
            if path or tail
            else base
        )
    except ValueError:
        return ""


def _absolute(scheme: str, rest: str) -> str:
    authority, tail = _AUTHORITY.fullmatch(rest).groups()  # type: ignore[union-attr]  # matches every string
    host, port = _host_and_port(authority.rpartition("@")[2])
    if not host:
        return ""
    if port and port != str(SPECIAL[scheme]):
        host = f"{host}:{port}"
    return f"{scheme}://{host}{_without_dots(tail) if tail.startswith('/') else '/' + tail}"


def _without_dots(tail: str) -> str:
    """Path, query and fragment with the path's `.` and `..` resolved."""
    path, mark, rest = _split_path(tail)
    if "/." not in path and "/%2" not in path:
        return tail
    parts: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if not _DOTS.fullmatch(segment):
            parts.append(segment)
            continue
        if len(segment.lower().replace("%2e", ".")) == 2 and parts:
            parts.pop()
        if last:
            parts.append("")
    return "/" + "/".join(parts) + mark + rest


@lru_cache(maxsize=1024)
def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{_AUTHORITY.match(rest)[1]}"  # type: ignore[index]  # matches every string


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority.partition("]")
        return host.lower() + "]", port.lstrip(":")
    host, _, port = authority.partition(":")
    if "%" in host:
        host = unquote_to_bytes(host).decode("utf-8", "replace")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return "", ""
    host = host.lower()
    return (_ipv4(host) if _IPV4.fullmatch(host) else host), port


def _ipv4(host: str) -> str:
    """`0x7f.1`, `017700000001` and `2130706433` are all 127.0.0.1 (URL Standard, IPv4 parser)."""
    numbers = []
    for part in host.rstrip(".").split("."):
        try:
            if part.startswith("0x"):
                numbers.append(int(part[2:] or "0", 16))
            else:
                numbers.append(int(part, 8) if part.startswith("0") and part != "0" else int(part))
        except ValueError:
            return ""
    value = numbers.pop()
    if value >= 256 ** (4 - len(numbers)) or any(number > 255 for number in numbers):
        return ""
    for position, number in enumerate(numbers):
        value += number * 256 ** (3 - position)
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
