"""Packages: what leaves the house, as a BagIt bag that is checked with public tools and one small script.

    profiles.py   what of it a profile shows: full, partner, public
    bag.py        the bag: names, digests, signature; resumable
    wacz.py       the raw WARC files of `full`, with an index
    proofs.py     checkpoints, inclusion, timestamps
    tables.py     CSV and JSON for people and spreadsheets
    report.py     the report, one HTML file; printing.py makes the PDF
    leaks.py      the search for secrets that runs over every package
    check.py      goes into the package: the stand-alone check
    command.py    `archiver export`: shows what becomes visible, asks, makes the package

What a case holds is read by `archiver.lookup.material`. The order is the order of the work: material → profile → files →
bag → search → signature.
"""
