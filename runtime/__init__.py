"""What every process of ours needs, and nothing that knows what a tracker is. Imports none of our packages.

database   open and migrate SQLite, choose PostgreSQL by URL
resolve    names under .localhost and address checks
log        structlog set-up: console for people, JSON lines for machines
keys       the key file: created 0600, read, rotated
alerts     tell somebody by webhook (signed) or e-mail
"""
