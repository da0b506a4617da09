"""The people of a team: one actor each, composed of the duties that their roles bring."""
