"""Opening SQLite with migrations: WAL, foreign keys, numbered `.sql` files, each applied once."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

from storage.errors import CatalogError, disk_error


def open_database(path: Path, migrations: str, next_step: str, durable: bool = True) -> sqlite3.Connection:
    """A connection to the database at `path`, migrated. `migrations`: file-name prefix below storage/sql.

    Raises `CatalogError` where the file is not a sound database, `DiskError` where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"opening {path.name}") from error
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        scripts = sorted(
            entry.name for entry in resources.files("storage.sql").iterdir() if entry.name.startswith(migrations)
        )
        if version > len(scripts):
            raise CatalogError(
                f"a {path.name} of version {len(scripts)} or older",
                f"version {version}",
                "Use a newer archiver.",
            )
        for number, name in enumerate(scripts[version:], version + 1):
            script = resources.files("storage.sql").joinpath(name).read_text("utf-8")
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise CatalogError(f"a sound {path.name}", str(error), next_step) from error
    return connection
