"""Services of a team: the board keeper, the workshop, the facilitator, the disturber."""
