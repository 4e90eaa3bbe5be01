"""Puts the task YAML into the wheel, where `passk path` finds it."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TaskConfigs(BuildHookInterface):
    """Maps the top folder `task_configs` into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder, except to an editable installation, which reads the checkout's.

        hatchling's `force-include` would copy it into site-packages there too: the copy grows stale, and a
        folder `passk_tasks` without a module in it can be imported as a namespace.
        """
        if version != "editable":
            build_data["force_include"]["task_configs"] = "passk_tasks/task_configs"
