"""Keeping a house of workers: sockets bound once, processes started and replaced, health asked, signals heeded.

`settings` is what the operator asked for, `sockets` binds, `messages` and `channel` are what supervisor and workers
say to each other, `worker` is one worker's process, `health` asks the systems' servers, `supervisor` puts it all
together with `router.workers` (the fleet), `router.reload` and `router.admin`.
"""
