"""The schema, as an append-only list of steps; each runs in one transaction together with its record.

Never edit a step that was released: append one. Every table and column is described in docs/data.md.
Times are ISO-8601 in UTC with microseconds, so that text order is time order. JSON columns have no CHECK: with
`trusted_schema` off, SQLite 3.40 calls its own json_valid() unsafe in a schema (a test reads them all instead).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from bot.store.migrations.first_schema import first_schema
from bot.store.migrations.m002_pauses import pauses
from bot.store.migrations.m004_audit import audit
from bot.store.migrations.m005_retention import retention
from bot.store.migrations.m006_delivery import delivery
from bot.store.migrations.m007_cursors import cursors
from bot.store.migrations.m008_pages import pages
from bot.store.migrations.m009_held import held
from bot.store.migrations.m011_addresses import addresses
from bot.store.migrations.m012_added_sources import added_sources

migrations = Migrations("policybell")


def unknown_steps(db: Database) -> tuple[str, ...]:
    """Name the steps that this database has and this program does not know: a newer program wrote it."""
    with closing(sqlite3.connect(":memory:")) as nothing:
        known = {step.name for step in migrations.pending(Database(nothing, execute_plugins=False))}
    return tuple(step.name for step in migrations.applied(db) if step.name not in known)


@migrations()
def m001_first_schema(db: Database) -> None:
    first_schema(db)


@migrations()
def m002_pauses(db: Database) -> None:
    pauses(db)


@migrations()
def m004_audit(db: Database) -> None:
    audit(db)


@migrations()
def m005_retention(db: Database) -> None:
    retention(db)


@migrations()
def m006_delivery(db: Database) -> None:
    delivery(db)


@migrations()
def m007_cursors(db: Database) -> None:
    cursors(db)


@migrations()
def m008_pages(db: Database) -> None:
    pages(db)


@migrations()
def m009_held(db: Database) -> None:
    held(db)


@migrations()
def m011_addresses(db: Database) -> None:
    addresses(db)


@migrations()
def m012_added_sources(db: Database) -> None:
    added_sources(db)
