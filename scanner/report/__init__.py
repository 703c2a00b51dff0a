"""What a scan is shown as: a page for a board, tables for a spreadsheet. Pure; the caller writes the files.

What is where
    summary    the scan in sentences and counts
    charts     counts as inline SVG
    html       one self-contained page: summary, findings, tables, pictures (`page.html.j2` is its markup)
    tables     CSV

The JSON of a scan is `Scan.model_dump(mode="json")`.
"""

from scanner.report.html import render_html
from scanner.report.tables import cookies_csv, write_csv

__all__ = ["cookies_csv", "render_html", "write_csv"]
