"""Published site policies on disk: one in force per site, every version kept beside it by hash.

    policy/<site>.json           in force; what the proxy watches
    policy/<site>.draft.json     what the last `policy build` made
    policy/<site>.<hash>.json    every version that was ever in force (first 16 digits of its hash)

A new version is written to the side and renamed over the old one, so a reader never sees half a document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from policies.site_policy import SitePolicy, in_force
from samtykke.config import ConfigError
from samtykke.whole_files import replace_file


@dataclass(frozen=True, slots=True)
class PolicyFolder:
    folder: Path

    def path(self, site: str) -> Path:
        """The file in force for this site, whether or not it exists yet."""
        return self.folder / f"{file_name(site)}.json"

    def current(self, site: str) -> SitePolicy | None:
        """The policy in force, None before the first `policy publish`. Raises ConfigError naming a broken file."""
        return self._read(self.path(site))

    def draft(self, site: str) -> SitePolicy | None:
        return self._read(self._draft_path(site))

    def version(self, site: str, digest: str) -> SitePolicy:
        """A kept version by (the beginning of) its hash; `draft` and `current` are names too. Raises ConfigError."""
        if digest in {"draft", "current"}:
            found = self.draft(site) if digest == "draft" else self.current(site)
            if found is None:
                raise ConfigError(f"no {digest} policy of {site} in {self.folder}")
            return found
        matches = sorted(self.folder.glob(f"{file_name(site)}.{digest[:16]}*.json"))
        if len(matches) != 1 or not re.fullmatch("[0-9a-f]+", digest):
            raise ConfigError(f"{digest!r} names {len(matches)} kept versions of {site} in {self.folder}")
        policy = self._read(matches[0])
        assert policy is not None  # noqa: S101 - the glob has just found the file
        return policy

    def write_draft(self, draft: SitePolicy) -> Path:
        return replace_file(self._draft_path(draft.site), draft.to_json())

    def publish(self, draft: SitePolicy) -> SitePolicy:
        """Put a draft into force; what it replaces stays beside it. Publishing the same again changes nothing."""
        policy = in_force(draft, self.current(draft.site))
        replace_file(self.folder / f"{file_name(policy.site)}.{policy.hash[:16]}.json", policy.to_json())
        replace_file(self.path(policy.site), policy.to_json())
        return policy

    def _draft_path(self, site: str) -> Path:
        return self.folder / f"{file_name(site)}.draft.json"

    def _read(self, path: Path) -> SitePolicy | None:
        try:
            return SitePolicy.from_json(path.read_text(encoding="utf-8"), source=str(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigError(str(error)) from error


def file_name(site: str) -> str:
    """A site's name as a file name: anything that is no letter, digit, dot or hyphen becomes `_`."""
    return re.sub(r"[^A-Za-z0-9.\-]", "_", site).lstrip(".") or "_"
