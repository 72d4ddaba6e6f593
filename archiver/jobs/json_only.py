"""Have DBOS read JSON from the queue's database, and nothing else.

DBOS unpickles a row whose column `serialization` says `py_pickle`, whatever serializer it was given, and unpickling runs code that
the row names. So whoever can write to the database could run code on each machine that lists jobs. Here the pickling
serializer of DBOS is replaced for the whole process by one that refuses to read.
"""

from __future__ import annotations

import base64
from typing import Any, NoReturn

OURS, PICKLED = "portable_json", "py_pickle"
"""What stands in the column `serialization`: of what we write, and of what DBOS would unpickle."""


class NotJson(ValueError):
    """A row of the queue's database that says it holds something other than JSON."""


class _NoPickle:
    """Stands where DBOS keeps the module `pickle`."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotJson("a pickled object: it is never read, for reading one can run code")


def refuse_pickles() -> None:
    """Replace what DBOS would unpickle with, for the rest of this process. To be called before a database is opened.

    Raises `RuntimeError` where DBOS would still unpickle: a release of it that this one does not know.
    """
    from dbos import _serialization as dbos

    if not isinstance(getattr(dbos, "pickle", None), _NoPickle):
        dbos.pickle = _NoPickle()  # type: ignore[assignment, attr-defined]
        dbos.DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign, assignment]
        dbos.DefaultSerializer.serialize = _as_text  # type: ignore[method-assign, assignment]
    for read in (dbos.deserialize_args, dbos.deserialize_value, dbos.deserialize_exception):
        try:
            read(base64.b64encode(b"\x80\x04K\x01.").decode(), PICKLED, dbos.DBOSPortableJSON)  # the number 1, pickled
        except NotJson:
            continue
        raise RuntimeError("this release of DBOS unpickles what lies in the queue; use the pinned one")


def _refuse(_self: object, _text: str) -> NoReturn:
    raise NotJson("a pickled object: it is never read, for reading one can run code")


def _as_text(_self: object, value: Any) -> str:
    """Write what DBOS says of a refused row, in the form that the row asks for, as text: no pickle leaves this process either."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer().serialize(f"{type(value).__name__}: {value}"[:500])
