"""What a visitor is asked, answers and is remembered by. The desk does the I/O; everything else is plain functions.

Reading order
    settings      [consent] and [controller] of the configuration file
    site_notice   what must be told about a site: vendors, cookies, purposes
    wording       the words, in ten languages (texts/*.toml), and which language a visitor gets
    cookie_words  one cookie of a notice in a visitor's words
    markup        templates and words joined to HTML (templates/*.html)
    bundle        stylesheet and script under hash-named addresses (assets/)
    notice        exactly what is shown, as bytes with their SHA-256; `noticeboard` keeps them rendered
    signing       how signed text is laid out
    token         the signed notice token in the form: which notice, when, one nonce
    remembered    the signed consent cookie and its readable mirror
    visitor       who a request is from: one Cookie header and one signal
    choice        the form's fields -> one choice, or a reason why not
    outcome       what a choice changes: what is granted, remembered and written down
    origin        did this request come from our own pages?
    client        truncated address, coarse user agent, rate limit
    imported      choices in other tools' cookies, read; takeover makes them ours
    exemption     why a necessary cookie needs no consent, in the visitor's words
    leftovers     cookies that trackers left behind -> Set-Cookie lines that expire them
    rows          rows on their way to the log
    pages         how our answers are written: HTML, JSON, files
    office        what all of the desk works with; `asking` is one request at it
    counter       where choices and erasures are taken; `own_pages`: what a visitor can read
    desk          ConsentDesk: what the proxy calls
    log/          the consent log

Order of a choice: same-site check -> fields parsed -> token read -> consent computed -> row committed -> cookie.
An accept is never handed out before its row is committed; a reject is honoured whatever fails.
"""
