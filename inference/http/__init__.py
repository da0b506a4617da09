"""The door: what other programs ask the pool, in the form of OpenAI's HTTP interface."""
