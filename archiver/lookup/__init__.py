"""Reads for whoever shows things: commands, reports, packages. Nothing is decided, changed or signed here.

material.py        what a case holds, for packages and redactions
package_files.py   what a package on disk says of itself
capture_view.py    one capture, as `show` tells it
search.py          posts and notes by their words, here and in what others of the team keep
"""
