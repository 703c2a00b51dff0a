"""The rules that the guard's tests use: one tracker's host with everything it may store, in the shape of
`Rules.browser_rules()`."""

from __future__ import annotations

from typing import Any


class GuardRules:
    """Stands where `policies.rules.Rules` stands; hashed by identity, like it."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def browser_rules(self) -> dict[str, object]:
        return {
            "hosts": {
                "tracker.localhost": ["statistics", "tracker"],
                "ads.localhost": ["marketing", "ads"],
                "tags.localhost": ["statistics", "tags"],
                "bank.localhost": ["necessary", "bank"],
                "googletagmanager.com": ["statistics", "google-tag-manager"],
            },
            "overrides": [],
            "contacts": {},
            "paths": [["/collect/*", "statistics", "tracker"]],
            "prefixes": [["mixed.localhost", "/ads/", "marketing", "ads"]],
            "cookies": {
                "exact": {"_trk": ["statistics", "tracker"], "_ads": ["marketing", "ads"]},
                "globs": [["_trk_*", "statistics", "tracker"], ["id?x", "marketing", "ads"]],
            },
            "storage": {
                "exact": {"trk_id": ["statistics", "tracker"]},
                "globs": [["ph_*_posthog", "statistics", "tracker"]],
            },
            "inline": [
                ["trk(", "statistics", "tracker"],
                ["_que.push", "statistics", "tracker"],
                ["_adq", "marketing", "ads"],
            ],
            "own": ["shop.localhost"],
            "unknown": {"script": "block", "frame": "block", "object": "block", "worker": "block"},
            "exempt": False,
            "managers": ["tags"],
            "hosted": [],
        } | self.changes
