-- One row per event. `chain` names the site; `seq` counts from 1 without a gap; docs/consent-log.md has the rest.
CREATE TABLE consent_entry (
    chain      TEXT COLLATE "C"    NOT NULL,
    seq        BIGINT NOT NULL,
    time       TEXT COLLATE "C"    NOT NULL,
    site       TEXT COLLATE "C"    NOT NULL,
    event      TEXT COLLATE "C"    NOT NULL,
    purposes   TEXT COLLATE "C"    NOT NULL,
    vendors    TEXT COLLATE "C"    NOT NULL,
    language   TEXT COLLATE "C"    NOT NULL,
    surface    TEXT COLLATE "C"    NOT NULL,
    method     TEXT COLLATE "C"    NOT NULL,
    notice     TEXT COLLATE "C",
    policy     TEXT COLLATE "C",
    nonce      TEXT COLLATE "C",
    detail     TEXT COLLATE "C",
    path       TEXT COLLATE "C",
    subject    TEXT COLLATE "C",
    ip         TEXT COLLATE "C",
    agent      TEXT COLLATE "C",
    salt       BYTEA,
    commitment BYTEA    NOT NULL,
    prev       BYTEA    NOT NULL,
    hash       BYTEA    NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX consent_entry_time ON consent_entry (chain, time);
CREATE INDEX consent_entry_subject ON consent_entry (subject) WHERE subject IS NOT NULL;
CREATE INDEX consent_entry_nonce ON consent_entry (nonce) WHERE nonce IS NOT NULL;
CREATE INDEX consent_entry_upkeep ON consent_entry (chain, seq) WHERE event IN ('erase', 'prune');

-- The exact bytes that were shown, once per SHA-256.
CREATE TABLE consent_notice (
    hash       TEXT COLLATE "C" PRIMARY KEY,
    media_type TEXT COLLATE "C" NOT NULL,
    content    BYTEA NOT NULL,
    kept       TEXT COLLATE "C" NOT NULL
);

-- Where a chain begins after its oldest rows were pruned, signed.
CREATE TABLE consent_boundary (
    chain      TEXT COLLATE "C"    NOT NULL,
    seq        BIGINT NOT NULL,
    hash       BYTEA    NOT NULL,
    time       TEXT COLLATE "C"    NOT NULL,
    key        TEXT COLLATE "C"    NOT NULL,
    signature  BYTEA    NOT NULL,
    PRIMARY KEY (chain, seq)
);
