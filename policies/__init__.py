"""What is known about trackers and what a site has promised. Pure: callers pass bytes, text and time.

Reading order
    purpose       the four purposes and what one visitor has consented to
    party         first or third party, by registrable domain
    cookie        Set-Cookie and Cookie by RFC 6265bis
    lifetime      how long something lives: asked for, capped, put into words
    embeds        table: which element and attribute contacts whom
    observation   what a scan saw (the `scan` JSON)
    catalogue/    vendors, hosts, cookie names, storage keys, inline signatures (packaged TOML)
    attribution   who is behind what a scan saw: by name, by host, by behaviour
    filters       Adblock-syntax network rules, imported by the operator
    imports/      lists of others in one normal form, consulted last
    verdict       may this load, be stored, be sent: an action with its reason
    known         what a subject is, and what a consent makes of it
    rules         one site's rules: ask them about a request, cookie, key or script
    browser_rules   the same as the browser needs them: hosts of a CSP, tables of the guard
    declared/     what a privacy policy says: cookies, vendors, claims, checklist; `lifetime_words` reads its lifetimes
    compare       declared against observed: `findings`
    site_policy   the one canonical document that the proxy enforces
    drafting      scans, catalogue and overrides made into a draft of it; `policy_changes` tells two versions apart
    declaration   the cookie table a site should publish

Packaged data (the catalogue, the public suffix list) is read once, at load. Nothing else here does I/O.
"""
