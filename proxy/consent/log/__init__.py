"""The consent log: one row per event, chained, signed and kept where an auditor can check it without us.

Reading order
    event         what one event is, what one row looks like (pure)
    chain         what is hashed, how rows hang together (pure)
    store         what is asked of a database, and the statements sent
    sqlite        one file: the default
    postgres      a server: many proxies, one log
    opening       which of the two a URL means
    writer        group commit: gather, commit once, answer all
    consent_log   ConsentLog: what the proxy and the command line call
    boundary      where a chain begins after pruning
    checkpoints   signed heads, written outside the database
    chain_check   one chain judged row by row (pure)
    stretches     a long chain judged by several processes
    verify        is everything still there, in order and unaltered?
    backup        the whole log into a file and back, from either store
    export        JSON Lines and CSV with a signed manifest
    statistics    opt-in rates
    receipt       what a visitor takes home (ISO/IEC TS 27560, Kantara 1.1)
    standalone_verify   checks an export without this program: one file to hand to an auditor
    migrations/   numbered SQL, one series per store

Order of an append: event checked -> queued -> group chained under the write lock -> committed, on the disk -> answered.
"""

from proxy.consent.log.chain_check import Fault
from proxy.consent.log.consent_log import ConsentLog, Notice, Pace
from proxy.consent.log.event import Event, Row
from proxy.consent.log.store import LogUnavailable
from proxy.consent.log.verify import Verification, verify

__all__ = ["ConsentLog", "Event", "Fault", "LogUnavailable", "Notice", "Pace", "Row", "Verification", "verify"]
