"""Fingerprinting, with a verdict by published criteria; the page's hooks only gather facts.

canvas, audio, fonts: Englehardt and Narayanan, "Online Tracking: A 1-million-site Measurement" (2016), section 3.2.
webgl: reading the unmasked vendor or renderer (WEBGL_debug_renderer_info), which serves no drawing.
navigator: one script reads a dozen or more different properties of device and browser, the "sweep" of
"FP-Inspector" (Iqbal and others, 2021); fewer are ordinary feature tests.
"""

from __future__ import annotations

from policies.observation import Technique
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.pipe import Json
from scanner.browser.scene import Report, Scene

LETTERS = 10
"""Different characters drawn that count as a fingerprinting text."""
STYLES = 2
"""Colours used that count the same."""
SWEEP = 12
"""Different properties read by one script."""


class Fingerprinting(Observer):
    name = "fingerprinting"
    hook = "fingerprinting"
    says = frozenset({"canvas", "audio", "webgl", "fonts", "navigator"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._found: dict[tuple[str, str], str] = {}
        self._read: dict[str, set[str]] = {}

    def report(self, report: Report) -> None:
        data = report.data
        if report.kind == "navigator":
            self._read.setdefault(report.script, set()).add(data["name"])
            return
        how = canvas_verdict(data) if report.kind == "canvas" else str(data["how"])
        if how is not None:
            self._found.setdefault((report.kind, report.script), how)
            self.scene.learns(report.kind, report.script)  # it is about to take the next measure, or to send them

    def write(self, draft: Draft) -> None:
        for script, names in self._read.items():
            if len(names) >= SWEEP:
                self._found["navigator", script] = f"read {len(names)} properties: {', '.join(sorted(names))}"
        for (kind, script), detail in sorted(self._found.items()):
            draft.techniques.append(Technique(kind=kind, script=script, page=self.scene.url, detail=detail))


def canvas_verdict(data: Json) -> str | None:
    """What makes reading this canvas fingerprinting, None where it is drawing: lossy, kept, or hardly any text."""
    lossy = data["type"] in ("image/jpeg", "image/webp")
    text = data["letters"] >= LETTERS or (data["letters"] > 0 and data["styles"] >= STYLES)
    if lossy or data["kept"] or not text:
        return None
    return f"{data['how']} of {data['letters']} letters in {data['styles']} colours, {data['width']}x{data['height']}"
