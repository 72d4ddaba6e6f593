"""How often hosts are asked: `limiter` has the port and what keeps to it, within a process and among many.

`shared_slots` shares the slots at a host, and `stores` keeps them: in SQLite within a home, in PostgreSQL among machines.
"""
