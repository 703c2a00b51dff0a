"""What is known about trackers: vendors, their hosts, cookies, storage keys and inline signatures.

    schema    the shape of one vendor's TOML file
    vendors/  the facts, one file per vendor; the file's stem is the vendor's id
    names     indexes over names, globs and host suffixes whose cost does not grow with what is known
    lookup    `Catalogue`: load the packaged facts once, then answer in microseconds

Start at `Catalogue.load()`.
"""

from policies.catalogue.lookup import Catalogue, CatalogueError, Match, Vendor

__all__ = ["Catalogue", "CatalogueError", "Match", "Vendor"]
