"""`archiver places`: the places of a case, for a map or a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import UsageError
from archiver.home.paths import given_path
from archiver.lookup.places import as_csv, as_geojson, as_kml, places_of
from archiver.text.plain import many
from storage.errors import disk_error

if TYPE_CHECKING:
    from archiver.cli.context import Context
    from archiver.cli.parser import Parser

EXAMPLE = "archiver places almaty --geojson almaty.geojson"
CAMERAS = (
    "! The positions of cameras say where the people stood who filmed: their homes, windows and ways. Who has this file can "
    "look for them there. Do not pass it on."
)


def add_arguments(parser: Parser) -> None:
    """Add what `archiver places` takes."""
    parser.add_argument("case", metavar="CASE", help="The case.")
    parser.add_argument("--geojson", type=given_path, metavar="FILE", help="Write GeoJSON, for maps.")
    parser.add_argument("--kml", type=given_path, metavar="FILE", help="Write KML, for Google Earth and others.")
    parser.add_argument("--csv", type=given_path, metavar="FILE", help="Write CSV, for spreadsheets.")
    cameras = "Include where cameras stood. This tells where the people were who filmed."
    parser.add_argument("--cameras", action="store_true", help=cameras)
    parser.add_argument("--named", action="store_true", help="Include places that words of posts only name.")


def run(context: Context) -> int:
    """List or write the places of the events of a case. Raises `NotFound`, `UsageError`, `DiskError`."""
    arguments, console, home = context.arguments, context.console, context.home_to_read()
    whose = ["event", *(["camera"] if arguments.cameras else []), *(["named"] if arguments.named else [])]
    places = places_of(home, arguments.case, whose)
    if arguments.cameras:
        console.warn(CAMERAS)
    for one in places:
        console.data(one)
    written = [
        (path, data)
        for path, data in (
            (arguments.geojson, as_geojson(places).encode()),
            (arguments.kml, as_kml(places, arguments.case).encode()),
            (arguments.csv, as_csv(places)),
        )
        if path is not None
    ]
    for path, data in written:
        _write(path, data)
        console.say(f"{many(len(places), 'place')} written to {path}")
    for one in places if not written else ():
        about = (
            f"{one['case']}/{one['incident']}" if one["incident"] else f"{one['capture']} {one['post'] or ''}".strip()
        )
        console.say(
            f"{one['latitude']:.5f},{one['longitude']:.5f}  {one['whose']:<6}  {one['place'] or ''}  {about}  (event {one['event']})"
        )
    if not places:
        left = "" if arguments.cameras else " Places of cameras are shown with --cameras."
        console.say(f"no places of events with coordinates in {arguments.case}.{left}")
    return 0


def _write(path: Path, data: bytes) -> None:
    if path.is_dir():
        raise UsageError("the name of a file", f"{path}, which is a folder", "Name a file in it.")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise disk_error(error, f"writing {path}") from error
