"""Reads for whoever shows things: commands, reports, packages. Nothing is decided, changed or signed here.

material.py        what a case holds, for packages and redactions; capture_files.py: reading files of captures
package_files.py   what a package on disk says of itself
capture_view.py    one capture, as `show` tells it
search.py          posts, notes and captures by words and filters, here and in what others of the team keep
described.py       link, author and first words of what an annotation is about
incident_view.py   incidents as they stand; bulk.py: items by list, tag or search
places.py          places for maps; chronology.py: what happened when
events.py          events about a capture or case; retracted.py: which annotations stand
"""
