"""A complete samtykke.toml that puts the proxy in front of the demo shop. Pure: returns text, writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

_TEMPLATE = """\
# The demo shop behind the proxy. Every setting is explained in samtykke.example.toml.

[[site]]
name = "shop"
hosts = ["shop.localhost"]
upstream = "http://127.0.0.1:{port}"
declared = "http://shop.localhost:{port}/personvern"
exempt_paths = ["/checkout"]

[proxy]
listen = {listen}

[controller]
name = "Fjellheim AS"
org_number = "999 888 777"
contact = "personvern@fjellheim.example"

[consent]
store = {consent}
key_file = {key}
checkpoints = {checkpoints}
languages = ["nb", "en"]

[inventory]
store = {inventory}

[policy]
folder = {policy}

[[policy.override]]
kind = "cookie"
match = "fjellheim_cart"
purpose = "necessary"
reason = "holds the goods while the visitor shops (user input)"

[[policy.override]]
kind = "storage"
match = "fjellheim_seen"
purpose = "preferences"
reason = "shows the goods looked at last; never leaves the browser"

[[policy.override]]
kind = "host"
match = "stats.localhost"
purpose = "statistics"
reason = "imitates classic web analytics"

[[policy.override]]
kind = "host"
match = "matomo.localhost"
purpose = "statistics"
reason = "imitates self-hosted analytics"

[[policy.override]]
kind = "host"
match = "social.localhost"
purpose = "marketing"
reason = "imitates a social network's pixel and like button"

[[policy.override]]
kind = "host"
match = "ads.localhost"
purpose = "marketing"
reason = "imitates remarketing and conversion tracking"

[[policy.override]]
kind = "frame"
match = "video.localhost"
placeholder = "video"
purpose = "marketing"
reason = "the video player stores an identifier of the device"
"""


def demo_config(demo_port: int, proxy_listen: str, folder: str | Path) -> str:
    """The TOML text. `proxy_listen` is "HOST:PORT"; stores, key, checkpoints and policies go into `folder`.

    tags.localhost and prints.localhost are left unnamed on purpose: unknown third parties are blocked by default.
    """
    place = Path(folder).resolve()

    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    return _TEMPLATE.format(
        port=demo_port,
        listen=quoted(proxy_listen),
        consent=quoted(f"sqlite:///{place / 'consent.db'}"),
        key=quoted(str(place / "samtykke.key")),
        checkpoints=quoted(f"{place / 'checkpoints'}/"),
        inventory=quoted(f"sqlite:///{place / 'inventory.db'}"),
        policy=quoted(f"{place / 'policy'}/"),
    )
