"""Looks at a site as a visitor would, and writes down what it sees. Imports policies and runtime, never the proxy.

How one scan goes
    settings    what to scan and how: one frozen model, default and help side by side
    crawl       the conductor: takes a page from the frontier, has it visited, keeps what was seen; level by level
    frontier    the queue, in a SQLite file: a killed scan goes on where it stood
    scout       which waiting pages are worth the browser's visit, by what static mode sees of them
    links       which addresses are pages of this site, and which are one page in a thousand disguises
    robots      robots.txt (RFC 9309), and `sitemap`, what the site says about its own pages
    pace        the pause between two pages of one host
    addresses   which addresses may be contacted: no way into an inner network
    aliases     what a host name is an alias of (CNAME)
    visit       the one shape in which both ways of looking hand over a page
    browser/    one way: a real Chromium, with observers; `browse` hands its pages to the crawl
    fetch       the other way: aiohttp, hop by hop; with `elements` (HTML), `jar` (cookies) and `static` (the page)
    choice      posting a consent choice to a site behind our own proxy
    names       names that are another one on each visit
    pressing    making that choice on a site's own banner, verified
    rendered    one page's HTML as its scripts leave it, for documents that scripts write
    policy_links   which link leads to the privacy policy
    merge       many pages to one Scan, the same whatever the order
    inventory   the store: scans, and each thing's first and last sighting
    changes     what differs between two scans, in words
    prove       what gets through the proxy in each consent state; `leaks` judges a visit, `wire` the answer's fields,
                `breakage` what works on the site itself and not behind the proxy
    faults      what differs between two proofs
    schedule    when a scan or a proof is due by cron, and that it runs once
    report/     HTML for a board, CSV for a spreadsheet

Only crawl, prove, wire, aliases, fetch, browser/, rendered, choice, frontier, inventory and schedule do I/O.
Start reading at `crawl.scan`.
"""
