"""What others have listed, brought in by the operator. Pure: bytes in, a normal form out; samtykke keeps the files.

    model                 `Imported`: the one normal form, as kept on disk
    reading               bytes of any of the formats -> Imported, the format told by its content
    gathered              what a reader has found so far
    open_cookie_database  Open Cookie Database, CSV and JSON
    disconnect            Disconnect's services.json
    disclosure            IAB Europe's device storage disclosure
    index                 `Imports`: what the imported documents say of a request, cookie or key

(Adblock lists are read by `policies.filters`.) Imports come last: after the operator's own words, the site's policy and
the packaged catalogue. They can name a tracker that nobody else knows; nothing becomes necessary by being imported.
Start at `read_import`.
"""

from policies.imports.index import Fact, Imports
from policies.imports.model import FORMATS, Imported, ImportFailedError
from policies.imports.reading import read_import

__all__ = ["FORMATS", "Fact", "ImportFailedError", "Imported", "Imports", "read_import"]
