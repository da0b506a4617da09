"""Virtual time: windows over nodes, pacing, pause."""
