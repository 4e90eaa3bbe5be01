"""The command `passk`: a module a command, which parses, calls `api` and renders; `app` lists them."""

from passk_tasks.cli.app import main

__all__ = ["main"]
