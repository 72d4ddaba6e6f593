"""Work that waits and is done later: what a person queues, and what workers take from the queue.

job       what a job is, and what its outcome means for trying it again; pure
engine    the queue: DBOS over SQLite beside the home's state, or over PostgreSQL; nothing else knows of DBOS
work      a worker: one archive, jobs side by side, each carried out at least once and in one home exactly once
commands  `archiver jobs`, `archiver work`
"""
