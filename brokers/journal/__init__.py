"""The durable record of one run: effects, commands, events."""
