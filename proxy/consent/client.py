"""What may be known of a client: the network, the browser's family, how often it chose lately. No I/O, no clock."""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from functools import lru_cache

_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:HeadlessChrome|Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* .*Safari/")),
    ("curl", re.compile(r"^curl/(\d+)")),
)
_SYSTEMS = (
    ("iOS", re.compile(r"iPhone|iPad|iPod")),
    ("Android", re.compile("Android")),
    ("Windows", re.compile("Windows")),
    ("macOS", re.compile("Mac OS X|Macintosh")),
    ("Linux", re.compile("Linux|X11")),
)
_ROBOT = re.compile(r"bot\b|crawler|spider|slurp|facebookexternalhit|lighthouse", re.IGNORECASE)


def truncated(address: str | None) -> str | None:
    """An address cut to its network: IPv4 /24, IPv6 /48 (L6). None for what is no address."""
    try:
        found = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    kept = 24 if found.version == 4 else 48
    lost = found.max_prefixlen - kept
    return f"{type(found)(int(found) >> lost << lost)}/{kept}"


@lru_cache(maxsize=512)
def coarse_agent(user_agent: str | None) -> str | None:
    """ "Chrome 156, Linux": family, major version and system, nothing that tells two visitors apart."""
    if not user_agent:
        return None
    browser = next((f"{name} {hit[1]}" for name, pattern in _BROWSERS if (hit := pattern.search(user_agent))), "other")
    system = next((name for name, pattern in _SYSTEMS if pattern.search(user_agent)), "other")
    return f"{browser}, {system}"


def is_robot(user_agent: str | None) -> bool:
    """Does it say of itself that nobody is looking? Robots get the page and the banner, but no row."""
    return bool(user_agent and _ROBOT.search(user_agent))


class RateLimit:
    """A token bucket per client: `per_minute` choices at once, refilled evenly. 0 is no limit.

    Remembers at most `clients` of them, the longest silent forgotten first, so that a flood cannot fill memory.
    """

    def __init__(self, per_minute: int, *, clients: int = 20_000) -> None:
        self._per_minute = per_minute
        self._clients = clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> bool:
        """Count one choice at `now` (seconds); False where the client has had its share."""
        if not self._per_minute:
            return True
        left, since = self._buckets.pop(client, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + max(0.0, now - since) * self._per_minute / 60)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        while len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
        return allowed

    def __repr__(self) -> str:
        return f"<RateLimit {self._per_minute or 'none'}/min, {len(self._buckets)} clients>"
