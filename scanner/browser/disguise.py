"""What the browser says of itself: like a person's, since trackers filter "HeadlessChrome". Pure.

User agent by Chrome's reduced form (minor version zero), client hints by the User-Agent Client Hints draft.
"""

from __future__ import annotations

from scanner.browser.pipe import Json

_PLATFORM = "X11; Linux x86_64"


def user_agent(version: str) -> str:
    """The reduced user agent of this Chromium version, `156.0.8078.79` -> `... Chrome/156.0.0.0 ...`."""
    major = version.partition(".")[0]
    return f"Mozilla/5.0 ({_PLATFORM}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"


def override(version: str, accept_language: str) -> Json:
    """Parameters of Emulation.setUserAgentOverride: user agent, languages and client hints in agreement."""
    major = version.partition(".")[0]
    brands = (("Chromium", version), ("Google Chrome", version), ("Not_A Brand", "24.0.0.0"))
    return {
        "userAgent": user_agent(version),
        "acceptLanguage": accept_language,
        "platform": "Linux x86_64",
        "userAgentMetadata": {
            "brands": [{"brand": name, "version": major if full == version else "24"} for name, full in brands],
            "fullVersionList": [{"brand": name, "version": full} for name, full in brands],
            "platform": "Linux",
            "platformVersion": "6.1.0",
            "architecture": "x86",
            "bitness": "64",
            "model": "",
            "mobile": False,
            "wow64": False,
        },
    }
