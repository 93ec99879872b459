"""The tables of a SQLite file: made by migrations, and looked at when it is opened, because SQLite lets any program change anything."""

import contextlib
import sqlite3
from collections.abc import Sequence

_STORED_AS = {"TEXT": "text", "INTEGER": "integer", "REAL": "real", "BLOB": "blob"}


def run_migrations(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Runs SQL scripts, without committing; raises sqlite3.DatabaseError if they do not fit what is there, and so the file is not ours."""
    try:
        for script in scripts:
            for statement in script.split(";"):
                connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # not that the file is busy, full or cannot be written
            raise sqlite3.DatabaseError(f"its tables are others, {error}") from error
        raise


def check_tables(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Makes sure that everything is there that the migrations make, and deletes rows with values of types that their columns do not have.

    Raises:
        sqlite3.DatabaseError: if a table or a column is missing.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as ideal:
        run_migrations(ideal, migrations)
        wanted = _columns(ideal)
    missing = wanted.keys() - _columns(connection).keys()
    if missing:
        raise sqlite3.DatabaseError(f"it lacks {'.'.join(min(missing))}")
    for (table, column), (kind, is_needed) in wanted.items():
        stored = (_STORED_AS[kind], _STORED_AS[kind] if is_needed else "null")
        where = f'FROM "{table}" WHERE typeof("{column}") NOT IN (?, ?)'  # names from our own migrations
        if connection.execute(f"SELECT EXISTS (SELECT 1 {where})", stored).fetchone()[0]:
            connection.execute(f"DELETE {where}", stored)


def _columns(connection: sqlite3.Connection) -> dict[tuple[str, str], tuple[str, bool]]:
    """The type of each column of each table, and whether it may not be NULL."""
    query = """
        SELECT tables.name, columns.name, columns.type, columns."notnull" OR columns.pk
        FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%'
    """
    return {(table, column): (kind, bool(is_needed)) for table, column, kind, is_needed in connection.execute(query)}
