"""What a run is: sections, loader, named random streams and the shipped profiles."""
