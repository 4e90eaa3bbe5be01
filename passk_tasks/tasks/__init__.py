"""What a task is: its YAML, the settings in it, and how its question is asked."""
