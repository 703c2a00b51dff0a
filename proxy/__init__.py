"""Stands in front of the site: forwards, strips what is not consented to, asks, counts. Imports policies and runtime.

Reading order
    app         listens; one request from its first byte to its log line
    settings    [proxy] and [[site]]; limits in bytes and seconds
    certificate our own TLS certificate
    sites       which site a Host names, its rules in force, watched and replaced whole
    arrival     who has arrived and what for: address, scheme, visitor, the record of the exchange
    peer        the visitor's address as a load balancer announces it
    plain       the plainest shape of a request or answer, read in one step
    front       where visitors arrive, and are let end
    visitor     the visitor's connection: plain requests are read here, others by aiohttp's parser
    recent      what exchanges of the same second have in common
    fast_path   the short way: like a moment ago, without a task
    upload      a request's body, piece by piece
    reply       an answer to a visitor, written as bytes
    upstream    connections to the site: opened, reused while fresh, given up in doubt; upstream_connection is one
    asking      a visitor's request -> the request the site gets (asked)
    forward     one exchange: ask, wait, hand over, tunnel
    relay       the site's answer -> the visitor
    whole       documents that are here whole: remembered, or rewritten at once
    document    a document's body: decode, map names, rewrite, encode
    documents   what of ours goes into a document, and by whose consent it is judged
    remembered  rewritten documents kept, with holes for what is each visitor's own
    judges      one consent applied to what a document loads; signals: whose tags read Google Consent Mode
    gates       GATES, the ordered list of what changes headers; cookies and csp are its larger members
    headers     fields as on the wire, hop-by-hop rules, which requests are refused
    coding      gzip, deflate, br, zstd in and out
    mapping     the site's own name turned into the visitors'
    websocket   a switched connection, both ways; pauses tells it when one side is slow
    own         our addresses: health, reports, gpc.json, assets; reports reads what browsers report
    pages       what we answer ourselves when something is wrong
    ledger      evidence of enforcement and sightings, in one SQLite file
    bookkeeping what is written down of an exchange: numbers, evidence, the log's line
    counts      what is counted, in memory that processes share; metrics shows it to Prometheus
    switch      the kill switch
    parts       what is asked of the neighbours below; context and exchange are the records handed along
    html/       streaming HTML: splicer, table of what loads, rewriting
    guard/      the script that holds what a page makes at run time
    consent/    what a visitor is asked, answers and is remembered by

An HTML response: app -> asking (request gates) -> upstream -> relay (response gates, document gates) -> document
-> visitor. I/O is done by app, fast_path, visitor, upstream, websocket, ledger and consent.desk; everything else is
plain functions and feed/close objects.
"""
