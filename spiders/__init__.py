"""What a platform says: links to targets, bytes to posts, and where to go next. No storage in here.

    platforms     the one table, a line a platform        NAME/platform   kinds, promise, answers: what is known beforehand
    targets       a link to its target, by the table      NAME/links      how its links look
    posts, items  what parsers and spiders report         NAME/parse      bytes to posts; pure and total
    availability  whether a thing is there                NAME/absence    how it says that something is not to be had
    walls         walls that no platform owns             NAME/…spider    where to go

A new platform is such a folder and its line in `platforms`; `tests/support/toy_platform` is the smallest one.
"""
