"""A small outdoor shop that tracks its visitors: something real to scan, compare, block and prove against.

Reading order
    truth      what the shop's trackers do and what its privacy policy claims, as data
    goods      what is for sale, and every word of the shop's frame
    cart       the cart inside its cookie: pure
    shop       the pages of shop.localhost
    trackers   everybody else: stats, social, matomo, ads, tags, prints, video, pay (.localhost)
    received   what arrived where, kept for whoever asks
    server     one process and port for all of them, told apart by the Host header
    config     a samtykke.toml that puts the proxy in front of the shop

Only `server` opens a socket. Templates, styles, drawings and scripts lie beside the code and are the project's own.
"""

from samtykke.demo.config import demo_config
from samtykke.demo.received import Hit
from samtykke.demo.server import Demo, start_demo

__all__ = ["Demo", "Hit", "demo_config", "start_demo"]
