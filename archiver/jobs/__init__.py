"""Do work later and again and again: what a person queues, and what workers take from the queue.

job, schedule, watch   pure: what a job is, when a schedule runs, what looks at a post show
queue, shared_state    the database that workers share: SQLite in the home, or PostgreSQL; only `queue` knows of DBOS
worker, run_worker     carry out attempts, each at least once and in one home exactly once; `claims` settles which home did
heartbeat              reports that a worker lives, and queues what is due: `due_schedules`, `due_watches`, `feed`
watch_check            check a watched post or channel: `post_check`, `channel_check`, `controls`, `watch_findings`
feed, google_sheet     read lists that grow
api, openapi           the HTTP interface; `status` reports how things stand, `notify` sends messages, by the proxy alone: `proxy_only`
"""
