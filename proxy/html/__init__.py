"""Rewriting documents as they stream by. No I/O anywhere in here: bytes in, bytes out.

Reading order
    rewriting     the way in: Page, Judge, Injection, Rewriter (feed/close), rewrite
    splicer       positions: a spec tokenizer over a shadow of the bytes; what is not edited leaves as it came
    resuming      how a token too long to keep is let go
    foreign       where SVG and MathML change what a tag means
    xml           the same feed/close for XHTML and SVG documents; `wellformed` looks at what of ours goes into them
    editing       the document as a whole: our own markup, base, language, templates
    elements      what is done to an element that must not load, and how it can be brought back (the convention)
    judging       addresses out of attribute values, verdicts remembered
    memory        tags, inline scripts and stretches that were met before
    attributes    the attributes of one tag, in bytes
    css           the addresses in CSS
    charset       which charset a document is in; UTF-16 and ISO-2022-JP become UTF-8 on the way
    sniff         is this body a document at all
"""
