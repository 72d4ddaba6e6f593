"""One module a command, named as it is called: `EXAMPLE`, `add_arguments` and `run`.

`archiver.cli.registry` lists them. A module is imported for its help too: what only `run` needs is imported there.
`first_run` is `archiver` alone, `watch_telegram` an action of `watch`.
"""
