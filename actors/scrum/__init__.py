"""The pure domain: stories, boards, sprints, teams. Standard library only."""
