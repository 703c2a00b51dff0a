"""What a scan is shown as: a page for a board, tables for a spreadsheet. The caller writes the files.

What is where
    summary    the scan in sentences and counts
    states     the consent states side by side, and who broke the promise
    charts     counts as inline SVG
    html       one self-contained page: summary, findings, tables, pictures (`page.html.j2` is its markup)
    proof      one page about a proof (`proof.html.j2`)
    tables     CSV
    har        the requests as an HTTP Archive
    pdf        the page printed by the browser: the one file here that does I/O

The JSON of a scan is `Scan.model_dump(mode="json")`.
"""

from scanner.report.har import har_of
from scanner.report.html import render_html
from scanner.report.pdf import PrintError, print_pdf
from scanner.report.tables import cookies_csv, write_csv

__all__ = ["PrintError", "cookies_csv", "har_of", "print_pdf", "render_html", "write_csv"]
