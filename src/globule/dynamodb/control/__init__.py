"""The control API: tables, indexes, replicas, streams' switches, time to live, tags, and what is only recorded.

One file an operation or a small family. They decide with `rules.definitions`, and change the catalogue by `Tables`.
"""
