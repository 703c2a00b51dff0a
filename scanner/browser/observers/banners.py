"""Consent banners that the site itself shows: known tools by their own ids, others by look and words.

Unknown ones: an element that stays in view (fixed, sticky, or a dialog), speaks of cookies or consent in one of ten
languages, and has at least one button.
"""

from __future__ import annotations

import json

from policies.observation import BannerSeen
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.scene import Scene

TOOLS: dict[str, str] = {
    "#samtykke-banner": "Samtykke",
    "#onetrust-banner-sdk": "OneTrust",
    "#CybotCookiebotDialog": "Cookiebot",
    "#usercentrics-root, #usercentrics-cmp-ui": "Usercentrics",
    "#didomi-host": "Didomi",
    ".qc-cmp2-container": "Quantcast Choice",
    "#truste-consent-track, #consent_blackbar": "TrustArc",
    "#coiOverlay, #coi-banner-wrapper": "Cookie Information",
    "[id^=sp_message_container]": "Sourcepoint",
    ".fc-consent-root": "Google Funding Choices",
    "#cookie-law-info-bar, .cky-consent-container": "CookieYes",
    "#cmplz-cookiebanner-container, .cmplz-cookiebanner": "Complianz",
    "#BorlabsCookieBox, #BorlabsDialogOverlay": "Borlabs Cookie",
    "#cookiescript_injected": "CookieScript",
    ".cookiefirst-root": "CookieFirst",
    "#iubenda-cs-banner": "iubenda",
    "#axeptio_overlay": "Axeptio",
    "#tarteaucitronRoot": "tarteaucitron",
    "#cc-main": "vanilla-cookieconsent",
    ".klaro .cookie-notice, .klaro .cookie-modal": "Klaro",
    ".cc-window, .cc-banner": "cookieconsent (Osano)",
    ".osano-cm-window": "Osano",
    "#hs-eu-cookie-confirmation": "HubSpot",
    "#cookie-information-template-wrapper": "Cookie Information",
    "#ppms_cm_popup_overlay, .ppms_cm_popup_overlay": "Piwik PRO",
    "#termly-code-snippet-support": "Termly",
    "#gdpr-cookie-message, .moove-gdpr-info-bar-content": "GDPR Cookie Compliance",
}
"""CSS selectors of the well-known tools' own elements."""

WORDS = (
    r"cookie|informasjonskaps|informationskapsl|kakor|samtykke|samtycke|consent|einwilligung|zustimm|"
    r"toestemming|consentement|traceurs|galletas|consentimiento|ev[aä]ste|suostumu"
)

_ASK = """((tools, words) => {
  const roots = [document];
  for (const host of document.querySelectorAll('*')) if (host.shadowRoot) roots.push(host.shadowRoot);
  const shown = (node) => {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.display !== 'none';
  };
  const text = (node) => (node.innerText || node.value || node.getAttribute('aria-label') || '').trim();
  const buttons = (node) => [...(node.shadowRoot || node).querySelectorAll(
    'button, [role=button], input[type=submit], input[type=button], a[href^="#"], a:not([href])')]
    .filter(shown).map((button) => text(button).slice(0, 80)).filter(Boolean).slice(0, 20);
  const visible = (node) => shown(node) || [...(node.shadowRoot || node).querySelectorAll('*')].some(shown);
  for (const [selector, tool] of tools) for (const root of roots) {
    const node = [...root.querySelectorAll(selector)].find(visible);
    if (node) return {tool, buttons: buttons(node)};
  }
  const speaks = new RegExp(words, 'i');
  for (const root of roots) for (const node of root.querySelectorAll(
    'div, section, aside, form, dialog, footer, header, [role=dialog], [role=alertdialog], [role=region]')) {
    const stays = ['fixed', 'sticky'].includes(getComputedStyle(node).position)
      || node.matches('dialog[open], [role=dialog], [role=alertdialog]')
      || /cookie|consent|samtykke|gdpr/i.test(`${node.id} ${node.className}`);
    if (!stays || !shown(node) || text(node).length > 6000 || !speaks.test(text(node))) continue;
    const found = buttons(node);
    if (found.length) return {tool: null, buttons: found};
  }
  return null;
})"""


class Banners(Observer):
    name = "consent banners"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._seen: list[BannerSeen] = []

    async def look(self) -> None:
        expression = f"{_ASK}({json.dumps(list(TOOLS.items()))}, {json.dumps(WORDS)})"
        for _, found in await self.scene.evaluate_everywhere(expression):
            if found:
                seen = BannerSeen(page=self.scene.url, tool=found["tool"], buttons=tuple(found["buttons"]))
                if seen not in self._seen:
                    self._seen.append(seen)

    def write(self, draft: Draft) -> None:
        draft.banners = self._seen
