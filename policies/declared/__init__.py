"""What a privacy policy says: cookies, vendors, claims, and what the law requires it to say. No I/O, no clock.

    model       the shape of the answer (the `policy read` JSON)
    reading     `read_policy`: a document in, everything it declares out

From bytes to a document
    sources     bytes of any format to text: charset, format, front matter
    device_storage   the other way to declare: an IAB disclosure as JSON
    markdown, templates, layout   Markdown, page templates and plain or PDF text to markup
    markup      any markup made safe to parse: bounded size and depth
    page        a page's elements, in reading order
    writing     runs of text to blocks and tables
    document    `Document`: one text with blocks, tables and positions
    spans       sentences as spans of it

What words mean
    languages   which language it is in
    words       tables: what a heading's column holds, what a purpose is called, words for cookies
    recognise   which words are names of cookies
    names       when a declared name means an observed cookie
    site        the names under which the document speaks of its own site
    sections    whether a part of the document is about cookies
    running_text   a lifetime and a vendor in running text

What is declared
    tables      cookies from tables
    table_grid, table_columns, table_rows   merged cells, what each column holds, one entry per cookie
    grids       tables that are written without table elements
    prose       cookies from everything else
    labels      "Lifetime: 180 days": labelled values in a line
    records, record_values   labelled values that belong to a name, and what they say
    sentences   cookies that a sentence names
    vendors     who sets or receives tracking data
    claims      promises that a scan can contradict
    checklist   what GDPR 13 and ePrivacy 5(3) require, and the sentence that says it

Start at `read_policy`.
"""

from policies.declared.model import Declared
from policies.declared.reading import read_policy

__all__ = ["Declared", "read_policy"]
