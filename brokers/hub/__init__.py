"""The door for outsiders: commands, queries, event stream, metrics."""
