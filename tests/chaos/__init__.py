"""The keeper under faults: endpoints that fail and lie, disks that fill up, processes that are killed; docs/how-to/chaos.md."""
