"""Packages: what leaves the house, as a BagIt bag that is checked with public tools and one small script.

    make.py       a package from the request to the signed event; asks before anything is written
    preview.py    what becomes visible, for the person who is asked
    profiles.py   what a profile shows of a case: full, partner, public
    packing.py    which files go into the bag, in which order
    bag.py        the bag: names, digests, signature; resumable
    wacz.py       the raw WARC files of `full`, with an index
    proofs.py     checkpoints, inclusion, timestamps
    tables.py     CSV and JSON for people and spreadsheets
    report/       the report, one HTML file; printing.py makes the PDF
    secrets.py    what must not stand in a package; the signer searches for it
    check.py      goes into the package: the stand-alone check

What a case holds is read by `archiver.lookup.material`. The order is the order of the work: material → profile → files →
bag → search → signature.
"""
