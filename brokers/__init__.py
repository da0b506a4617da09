"""How messages travel: wire, nodes, links, hub, clock and journal."""
