"""The agents of a team."""
