"""A home: one folder with settings, public keys, ledger, captures and catalog. Private keys are the signer's.

home, projection   the folder, opened as it is needed; its catalog brought up to the ledger
config             the settings in use, with `copies_config` and `notify_config`
config_schema      what archiver.toml may say; `config_file` reads it, `config_in_force` shows it, `config_upgrade` changes it
variables          the environment variables that are known
cases, people      names of cases; public keys, fingerprints and recipients (`age`)
visibility         what is kept from view
paths, scratch     paths as people give them; folders for work in progress
ports              what the library needs from whoever holds keys, copies and media tools
"""
