"""How nodes reach each other: numbered, coalesced frames over ZeroMQ or memory."""
