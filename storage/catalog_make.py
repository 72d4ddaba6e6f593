"""Makes the catalog's tables, indexes, full-text search and views, by sqlite-utils.

sqlite-utils takes longer to import than most commands take to run: this module is imported only where tables are made.
"""

from __future__ import annotations

import sqlite3

import sqlite_utils

from storage.catalog_schema import OUTCOMES, TABLES, VERSION
from storage.catalog_views import VIEWS


def make(connection: sqlite3.Connection) -> None:
    """Make tables, indexes, full-text search and views in an empty database, within the caller's transaction."""
    # Without plugins: what else is installed beside this program has no business in the catalog.
    database = sqlite_utils.Database(connection, execute_plugins=False)
    for name, table in TABLES.items():
        made = database.table(name)
        made.create(
            {column: about.type for column, about in table.columns.items()},
            pk=table.key,
            not_null=[column for column, about in table.columns.items() if about.required],
            foreign_keys=list(table.references),
        )
        for columns in table.indexes:
            made.create_index(columns, "_".join((name, *columns)))
        for end, sql in table.by_value.items():
            connection.execute(f"CREATE INDEX {name}_{end} ON {name} ({sql})")
        if table.searched:
            # The triggers keep the index right whoever changes a row, and the words stand in the file once.
            made.enable_fts(table.searched, tokenize="unicode61 remove_diacritics 2", create_triggers=True)
        if table.bulk:
            # SQLite writes a part of the index to disk at each row that a trigger adds: a third of the speed.
            # `catalog_rows` adds all rows of a capture together.
            connection.execute(f"DROP TRIGGER {name}_ai")
    database.table("outcomes").insert_all({"outcome": word, "about": about} for word, about in OUTCOMES.items())
    for name, view in VIEWS.items():
        database.create_view(name, view.sql)
    connection.execute(f"PRAGMA user_version={VERSION}")


def drop_all(connection: sqlite3.Connection) -> None:
    """Remove everything from a database, within the caller's transaction; foreign keys must be off."""
    sql = "SELECT type, name FROM sqlite_master WHERE type=? AND sql LIKE ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    for kind, like in (("view", "%"), ("table", "CREATE VIRTUAL%"), ("table", "%")):
        for _, name in connection.execute(sql, (kind, like)).fetchall():
            connection.execute(f'DROP {kind} IF EXISTS "{name}"')
    connection.execute("PRAGMA user_version=0")
