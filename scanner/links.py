"""Which addresses are pages of this site, and which are one page in a thousand disguises. No I/O.

Calendars, session ids and endless parameters would keep a crawler busy for ever. Addresses that differ only in a
number, a date, an id or a parameter's value share a *template*, and of each template only some are visited.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from policies.party import same_site

MAX_LENGTH = 2_000
"""Longer addresses are not followed."""

_DEFAULT_PORT = {"http": 80, "https": 443}
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_SESSION_PARAMETERS = frozenset(
    "jsessionid phpsessid aspsessionid asp.net_sessionid sessionid session_id cfid cftoken zenid oscsid s_id".split()  # noqa: SIM905  a list of words
)
_CAMPAIGN_PARAMETERS = frozenset(
    "gclid gclsrc dclid gbraid wbraid fbclid msclkid ttclid twclid li_fat_id mc_cid mc_eid igshid yclid _ga _gl".split()  # noqa: SIM905  a list of words
)
_NO_PAGE = frozenset(
    """7z aac apk avi avif bin bmp bz2 css csv dmg doc docx eot epub exe flac gif gz ico ics iso jar jpeg jpg js json
    m4a m4v map mjs mov mp3 mp4 mpeg mpg msi odp ods odt ogg ogv otf pdf png ppt pptx rar rss rtf svg swf tar tgz tif
    tiff ttf txt vcf wasm wav webm webmanifest webp wma wmv woff woff2 xls xlsx xml xz zip zst""".split()  # noqa: SIM905  a list of words
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]|%(?![0-9A-Fa-f]{2})")
_SEGMENTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE), "{id}"),
    (re.compile(r"(?=[a-z]*\d)[0-9a-f]{12,}", re.IGNORECASE), "{id}"),
    (re.compile(r"(?=\D*\d)(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9_-]{16,}"), "{id}"),
    (re.compile(r"\d+"), "{n}"),
)
"""What makes a path segment one of many; the first that fits is put in its place, digits wherever they stand."""


def normalise(url: str, base: str = "") -> str | None:
    """The absolute form in which a page is queued, or None where it is no web page (`javascript:`, `mailto:`, a file).

    Fragment, credentials, default port, session ids and campaign parameters go; order and case of the rest stay.
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORT or not host:
        return None
    try:
        host = host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORT[parts.scheme]:
        netloc = f"{netloc}:{port}"
    path = _escape(_SESSION_IN_PATH.sub("", parts.path)) or "/"
    found = urlunsplit((parts.scheme, netloc, path, _escape(_without_noise(parts.query)), ""))
    return found if len(found) <= MAX_LENGTH else None


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: quote(match[0], safe=""), quote(text, safe="".join(map(chr, range(128)))))


def _without_noise(query: str) -> str:
    if not query:
        return ""

    def noise(piece: str) -> bool:
        name = piece.partition("=")[0].lower()
        return name in _SESSION_PARAMETERS or name in _CAMPAIGN_PARAMETERS or name.startswith("utm_")

    return "&".join(piece for piece in query.split("&") if piece and not noise(piece))


def belongs(url: str, start: str) -> bool:
    """Is this a page of the site that `start` names: same registrable domain, same port, and no file by its name?"""
    one, other = urlsplit(url), urlsplit(start)
    if not same_site(one.hostname or "", other.hostname or "") or not _same_port(one.port, other.port):
        return False
    name = one.path.rpartition("/")[2]
    return "." not in name or name.rpartition(".")[2].lower() not in _NO_PAGE


def _same_port(one: int | None, other: int | None) -> bool:
    usual = (None, 80, 443)
    return one == other or (one in usual and other in usual)


def template(url: str) -> str:
    """What this address is one of: numbers, dates and ids in the path and every parameter's value made alike."""
    parts = urlsplit(url)
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return f"{parts.netloc}{_shape(parts.path)}" + (f"?{urlencode([(name, '') for name in names])}" if names else "")


def family(url: str) -> str | None:
    """A wider template for addresses with parameters: the path with any query; None for those without."""
    parts = urlsplit(url)
    return f"{parts.netloc}{_shape(parts.path)}?*" if parts.query else None


def _shape(path: str) -> str:
    segments = []
    for segment in path.split("/"):
        for pattern, shape in _SEGMENTS[:-1]:
            if pattern.fullmatch(segment):
                segments.append(shape)
                break
        else:
            digits, shape = _SEGMENTS[-1]
            segments.append(digits.sub(shape, segment))
    named = [segment for segment in segments if segment]
    if len(named) > 16 or any(named.count(segment) > 2 for segment in set(named) if not segment.startswith("{")):
        return "/{loop}"
    return "/".join(segments)


def twin(url: str, canonical: str | None) -> str | None:
    """The canonical address, where it names the same document and can be believed: same host and path.

    A site whose pages all claim the front page as their canonical one is common; that claim is not followed.
    """
    if canonical is None or (found := normalise(canonical, url)) is None:
        return None
    one, other = urlsplit(url), urlsplit(found)
    same = one.netloc == other.netloc and one.path.rstrip("/") == other.path.rstrip("/")
    return found if same and found != url else None
