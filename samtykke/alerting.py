"""From what a scheduled scan or proof found to whom it is told: the channels of the config, and the alert's words."""

from __future__ import annotations

from urllib.parse import urlsplit

from runtime.alerts import Alert, Channel, Mail, Secret, Webhook
from runtime.keys import create_key_file, load_keys
from samtykke.config import Config, ConfigError
from scanner.changes import Changes
from scanner.faults import Difference
from scanner.prove import Proof


def secret_of(config: Config) -> Secret:
    """What signs alerts, from the key file, which is made where there is none. Raises ConfigError naming it."""
    path = config.path(config.consent.key_file)
    try:
        return Secret.current(load_keys(path) if path.exists() else create_key_file(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"consent.key_file {path}: {error}") from error


def channels_of(config: Config) -> list[Channel]:
    """Everybody the config names; empty where it names nobody."""
    alerts = config.alerts
    found: list[Channel] = []
    if alerts.webhook:
        found.append(Webhook(alerts.webhook, secret_of(config)))
    if alerts.smtp:
        host, _, port = alerts.smtp.rpartition(":")
        found.append(
            Mail(
                host,
                int(port),
                alerts.mail_from,
                alerts.mail_to,
                alerts.smtp_security,
                alerts.smtp_user,
                alerts.smtp_password,
            )
        )
    return found


def alert_of(schedule: str, site: str, scan: int, changes: Changes) -> Alert:
    """The message about a site's material changes; what is cosmetic is left out."""
    material = [change for change in changes.changes if change.material]
    number = len(material)
    host = urlsplit(site).netloc
    words = [
        f"{number} material change{'' if number == 1 else 's'} on {site} since {changes.before}:",
        "",
        *(f"- {change.because}" for change in material),
        "",
        f"Seen by the schedule {schedule!r} at {changes.after}, scan {scan}.",
    ]
    facts = {
        "event": "material_changes",
        "schedule": schedule,
        "site": site,
        "scan": scan,
        "before": changes.before,
        "after": changes.after,
        "changes": [change.model_dump(mode="json") for change in material],
    }
    return Alert(f"{number} material change{'' if number == 1 else 's'} on {host}", "\n".join(words) + "\n", facts)


def alert_of_proof(schedule: str, proof: Proof, changes: Difference, report: str) -> Alert:
    """The message about what a proof found that the one before did not, or no longer."""
    host = urlsplit(proof.url).netloc
    leaks = sum(len(cell.leaks) for cell in proof.cells)
    broken = sum(len(cell.breakage) for cell in proof.cells)
    words = [
        f"The proof of {proof.url} differs from the one before:",
        "",
        changes.in_words(),
        "",
        f"Seen by the schedule {schedule!r} at {proof.started}: {leaks} leaks, {broken} broken. Report: {report}",
        f"SHA-256 of the result: {proof.digest}",
    ]
    facts = {
        "event": "proof_changed",
        "schedule": schedule,
        "site": proof.url,
        "started": proof.started,
        "policy_hash": proof.policy_hash,
        "digest": proof.digest,
        "leaks": leaks,
        "broken": broken,
        **changes.to_json(),
    }
    many = len(changes.new)
    told = f"{many} new {'fault' if many == 1 else 'faults'} on" if many else "Fewer faults on"
    return Alert(f"{told} {host}", "\n".join(words) + "\n", facts)
