-- One row per event. `chain` names the site; `seq` counts from 1 without a gap; docs/consent-log.md has the rest.
CREATE TABLE consent_entry (
    chain      TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    time       TEXT    NOT NULL,
    site       TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    purposes   TEXT    NOT NULL,
    vendors    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    surface    TEXT    NOT NULL,
    method     TEXT    NOT NULL,
    notice     TEXT,
    policy     TEXT,
    nonce      TEXT,
    detail     TEXT,
    path       TEXT,
    subject    TEXT,
    ip         TEXT,
    agent      TEXT,
    salt       BLOB,
    commitment BLOB    NOT NULL,
    prev       BLOB    NOT NULL,
    hash       BLOB    NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_entry_time ON consent_entry (chain, time);
CREATE INDEX consent_entry_subject ON consent_entry (subject) WHERE subject IS NOT NULL;
CREATE INDEX consent_entry_nonce ON consent_entry (nonce) WHERE nonce IS NOT NULL;
CREATE INDEX consent_entry_upkeep ON consent_entry (chain, seq) WHERE event IN ('erase', 'prune');

-- The exact bytes that were shown, once per SHA-256.
CREATE TABLE consent_notice (
    hash       TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    content    BLOB NOT NULL,
    kept       TEXT NOT NULL
) STRICT;

-- Where a chain begins after its oldest rows were pruned, signed.
CREATE TABLE consent_boundary (
    chain      TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    time       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    signature  BLOB    NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT;
