"""Step 1: everything the first release keeps."""

from __future__ import annotations

from sqlite_utils import Database


def first_schema(db: Database) -> None:
    """Make every table, in the order in which they refer to one another."""
    for part in (_sources, _documents, _decisions, _people, _deliveries, _lanes, _lane_upkeep, _readable):
        part(db)


def _sources(db: Database) -> None:
    """Where news comes from, and what is remembered between two polls."""
    db.execute("""
        CREATE TABLE sources (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            url TEXT NOT NULL,
            standing TEXT NOT NULL,
            agency TEXT NOT NULL,
            language TEXT NOT NULL,
            dormant INTEGER NOT NULL CHECK (dormant IN (0, 1))
        ) STRICT""")
    db.execute("""
        CREATE TABLE cursors (
            source_id TEXT PRIMARY KEY REFERENCES sources (id),
            validator_url TEXT NOT NULL,
            etag TEXT NOT NULL,
            last_modified TEXT NOT NULL,
            body_hash TEXT NOT NULL,
            next_poll_at TEXT,
            failures INTEGER NOT NULL,
            last_error TEXT NOT NULL,
            last_success_at TEXT,
            last_new_at TEXT
        ) STRICT""")
    db.execute("CREATE INDEX cursors_by_next_poll ON cursors (next_poll_at)")


def _documents(db: Database) -> None:
    """What was read, and which story it belongs to."""
    db.execute("""
        CREATE TABLE stories (
            number INTEGER PRIMARY KEY,
            lead_document_id TEXT NOT NULL REFERENCES documents (id) DEFERRABLE INITIALLY DEFERRED,
            first_seen_at TEXT NOT NULL
        ) STRICT""")
    db.execute("""
        CREATE TABLE documents (
            id TEXT PRIMARY KEY,
            source_id TEXT NOT NULL REFERENCES sources (id),
            story INTEGER NOT NULL REFERENCES stories (number),
            outlet TEXT NOT NULL,
            standing TEXT NOT NULL,
            agency TEXT NOT NULL,
            language TEXT NOT NULL,
            url TEXT NOT NULL,
            number TEXT NOT NULL,
            title TEXT NOT NULL,
            text TEXT NOT NULL,
            claimed_at TEXT,
            precision TEXT NOT NULL,
            date_note TEXT NOT NULL,
            facts TEXT NOT NULL,
            digest TEXT NOT NULL,
            latest_digest TEXT NOT NULL,
            seen_at TEXT NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX documents_by_story ON documents (story)")
    db.execute("""
        CREATE TABLE document_keys (
            key TEXT NOT NULL,
            document_id TEXT NOT NULL REFERENCES documents (id),
            UNIQUE (key, document_id)
        ) STRICT""")
    db.execute("CREATE INDEX document_keys_by_document ON document_keys (document_id)")


def _decisions(db: Database) -> None:
    """How documents changed, and why each was taken as it was."""
    db.execute("""
        CREATE TABLE revisions (
            document_id TEXT NOT NULL REFERENCES documents (id),
            digest TEXT NOT NULL,
            url TEXT NOT NULL,
            title TEXT NOT NULL,
            text TEXT NOT NULL,
            claimed_at TEXT,
            precision TEXT NOT NULL,
            date_note TEXT NOT NULL,
            facts TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (document_id, digest)
        ) STRICT""")
    db.execute("""
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            story INTEGER NOT NULL REFERENCES stories (number),
            document_id TEXT NOT NULL REFERENCES documents (id),
            digest TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('new', 'addition', 'revision')),
            because TEXT NOT NULL,
            decided_at TEXT NOT NULL,
            UNIQUE (document_id, digest)
        ) STRICT""")
    db.execute("CREATE INDEX decisions_by_story ON decisions (story, id)")


def _people(db: Database) -> None:
    """Which chats asked for what. Nothing about a person is kept: docs/data.md."""
    db.execute("""
        CREATE TABLE chats (
            id INTEGER PRIMARY KEY,
            platform TEXT NOT NULL,
            workspace TEXT NOT NULL,
            chat TEXT NOT NULL,
            thread TEXT NOT NULL,
            language TEXT NOT NULL,
            zone TEXT NOT NULL,
            created_at TEXT NOT NULL,
            gone_at TEXT,
            not_before TEXT,
            moved_to INTEGER REFERENCES chats (id),
            UNIQUE (platform, workspace, chat, thread)
        ) STRICT""")
    db.execute("CREATE INDEX chats_by_moved_to ON chats (moved_to) WHERE moved_to IS NOT NULL")
    # Ids are never given twice (AUTOINCREMENT): a verdict under way may still name a query that was dropped.
    db.execute("""
        CREATE TABLE queries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            text TEXT UNIQUE,
            added_version INTEGER NOT NULL,
            dropped_version INTEGER,
            CHECK ((text IS NULL) = (dropped_version IS NOT NULL))
        ) STRICT""")
    db.execute("CREATE INDEX queries_by_added_version ON queries (added_version)")
    db.execute("CREATE INDEX queries_by_dropped_version ON queries (dropped_version)")
    db.execute("""
        CREATE TABLE subscriptions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            chat_id INTEGER NOT NULL REFERENCES chats (id),
            query_id INTEGER NOT NULL REFERENCES queries (id),
            label TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (chat_id, query_id)
        ) STRICT""")
    db.execute("CREATE INDEX subscriptions_by_query ON subscriptions (query_id, chat_id)")


def _deliveries(db: Database) -> None:
    """One row, one platform message; one row a chat and story, whatever id it was given."""
    db.execute("""
        CREATE TABLE deliveries (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            chat_id INTEGER NOT NULL REFERENCES chats (id),
            story INTEGER NOT NULL REFERENCES stories (number),
            document_id TEXT NOT NULL REFERENCES documents (id),
            reason TEXT NOT NULL CHECK (reason IN ('new', 'test')),
            why TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('pending', 'sending', 'sent', 'maybe', 'dead', 'expired', 'cancelled')),
            due_at TEXT NOT NULL,
            waiting_since TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0,
            unsure INTEGER NOT NULL DEFAULT 0 CHECK (unsure IN (0, 1)),
            plain INTEGER NOT NULL DEFAULT 0 CHECK (plain IN (0, 1)),
            attempted_at TEXT,
            lease_until TEXT CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
            settled_at TEXT,
            receipt TEXT NOT NULL DEFAULT '',
            last_error TEXT NOT NULL DEFAULT ''
        ) STRICT""")
    db.execute("""
        CREATE UNIQUE INDEX deliveries_once ON deliveries (chat_id, story, document_id) WHERE reason <> 'test'""")
    db.execute("CREATE INDEX deliveries_by_chat ON deliveries (chat_id, state, due_at, seq)")
    db.execute("CREATE INDEX deliveries_by_state ON deliveries (state, due_at, seq)")
    db.execute("CREATE INDEX deliveries_waiting ON deliveries (waiting_since) WHERE state = 'pending'")
    db.execute("CREATE INDEX deliveries_attempted ON deliveries (attempted_at) WHERE attempted_at IS NOT NULL")


def _lanes(db: Database) -> None:
    """The rule of the lane: an active chat with nothing in `sending` offers its oldest waiting row.

    `lane_heads` is the rule. `lanes` is its answer, kept by triggers, so that a claim costs what it claims and not
    what waits: a chat at rest with a thousand rows is one row here.
    """
    db.execute("""
        CREATE VIEW lane_heads AS
        SELECT chats.id AS chat_id, chats.platform AS platform, head.due_at AS due_at, head.seq AS seq
        FROM chats
        JOIN deliveries AS head ON head.seq = (
            SELECT waiting.seq FROM deliveries AS waiting
            WHERE waiting.chat_id = chats.id AND waiting.state = 'pending'
            ORDER BY waiting.due_at, waiting.seq LIMIT 1)
        WHERE chats.gone_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM deliveries AS busy WHERE busy.chat_id = chats.id AND busy.state = 'sending')""")
    db.execute("""
        CREATE TABLE lanes (
            chat_id INTEGER PRIMARY KEY REFERENCES chats (id),
            platform TEXT NOT NULL,
            due_at TEXT NOT NULL,
            seq INTEGER NOT NULL
        ) STRICT""")
    db.execute("CREATE INDEX lanes_oldest ON lanes (platform, due_at, seq)")


def _lane_upkeep(db: Database) -> None:
    """Keep `lanes` the answer of `lane_heads`, whatever happens to rows and chats."""
    db.execute("""
        CREATE TRIGGER lanes_delivery_added AFTER INSERT ON deliveries WHEN NEW.state = 'pending' BEGIN
            INSERT INTO lanes
            SELECT id, platform, NEW.due_at, NEW.seq FROM chats
            WHERE id = NEW.chat_id AND gone_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE chat_id = NEW.chat_id AND state = 'sending')
            ON CONFLICT (chat_id) DO UPDATE SET due_at = excluded.due_at, seq = excluded.seq
            WHERE (excluded.due_at, excluded.seq) < (due_at, seq);
        END""")
    db.execute("""
        CREATE TRIGGER lanes_delivery_changed AFTER UPDATE OF state, chat_id, due_at ON deliveries BEGIN
            DELETE FROM lanes WHERE chat_id IN (OLD.chat_id, NEW.chat_id);
            INSERT INTO lanes SELECT chat_id, platform, due_at, seq FROM lane_heads
            WHERE chat_id IN (OLD.chat_id, NEW.chat_id);
        END""")
    db.execute("""
        CREATE TRIGGER lanes_delivery_removed AFTER DELETE ON deliveries BEGIN
            DELETE FROM lanes WHERE chat_id = OLD.chat_id;
            INSERT INTO lanes SELECT chat_id, platform, due_at, seq FROM lane_heads WHERE chat_id = OLD.chat_id;
        END""")
    db.execute("""
        CREATE TRIGGER lanes_chat_changed AFTER UPDATE OF gone_at, platform ON chats BEGIN
            DELETE FROM lanes WHERE chat_id = NEW.id;
            INSERT INTO lanes SELECT chat_id, platform, due_at, seq FROM lane_heads WHERE chat_id = NEW.id;
        END""")


def _readable(db: Database) -> None:
    """Rows with the names around them, for the store's own reading and for Datasette."""
    db.execute("""
        CREATE VIEW deliveries_with_chat AS
        SELECT deliveries.*, chats.platform, chats.workspace, chats.chat, chats.thread, chats.language, chats.zone,
            stories.first_seen_at
        FROM deliveries
        JOIN chats ON chats.id = deliveries.chat_id
        JOIN stories ON stories.number = deliveries.story""")
