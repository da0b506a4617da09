"""What the rules of Scrum refuse. A refused command leaves everything as it was.

ScrumError
+-- UnknownStoryError        no card or story of that id
+-- DuplicateStoryError      the id is taken already
+-- WrongColumnError         the card is not where the command needs it
+-- WipLimitError            the column is full
+-- NotReadyError            stories it depends on are unfinished
+-- BlockedError             a label forbids the move
+-- SprintOrderError         the board already is in that sprint, or past it
+-- UnknownTaskError         a task, or one it depends on, does not exist
+-- DuplicateTaskError       two tasks of one card with one id
+-- DependencyCycleError     stories or tasks wait for each other
+-- UnknownMemberError       nobody of that id is in the team
+-- IncompleteTeamError      nobody can do a job that every team needs
"""

from __future__ import annotations


class ScrumError(Exception):
    """Base class: a rule refused a command, nothing has changed."""


class UnknownStoryError(ScrumError):
    """Raised when no card or story has the id."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"there is no story {story_id}")
        self.story_id = story_id


class DuplicateStoryError(ScrumError):
    """Raised when a story is added whose id is taken."""

    def __init__(self, story_id: str) -> None:
        super().__init__(f"there already is a story {story_id}")
        self.story_id = story_id


class WrongColumnError(ScrumError):
    """Raised when a card is not in the column that a command starts from."""

    def __init__(self, story_id: str, column: str, expected: str) -> None:
        super().__init__(f"{story_id} is in {column}, not in {expected}")
        self.story_id, self.column, self.expected = story_id, column, expected


class WipLimitError(ScrumError):
    """Raised when a move would put more stories in a column than it may hold."""

    def __init__(self, column: str, limit: int) -> None:
        super().__init__(f"{column} already holds its limit of {limit} stories")
        self.column, self.limit = column, limit


class NotReadyError(ScrumError):
    """Raised when a story is pulled before the stories it depends on are done."""

    def __init__(self, story_id: str, waits_for: tuple[str, ...]) -> None:
        super().__init__(f"{story_id} waits for {', '.join(waits_for)}")
        self.story_id, self.waits_for = story_id, waits_for


class BlockedError(ScrumError):
    """Raised when a label on the card forbids the move."""

    def __init__(self, story_id: str, tag: str) -> None:
        super().__init__(f"{story_id} is tagged {tag}")
        self.story_id, self.tag = story_id, tag


class SprintOrderError(ScrumError):
    """Raised when a board is carried over into a sprint that does not lie ahead."""

    def __init__(self, sprint: int, current: int) -> None:
        super().__init__(f"cannot carry over into sprint {sprint}, the board is in sprint {current}")
        self.sprint, self.current = sprint, current


class UnknownTaskError(ScrumError):
    """Raised when a task does not exist, or depends on one that does not."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id}")
        self.task_id = task_id


class DuplicateTaskError(ScrumError):
    """Raised when two tasks of one card have the same id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there already is a task {task_id}")
        self.task_id = task_id


class DependencyCycleError(ScrumError):
    """Raised when stories or tasks wait for each other, so that none of them could ever start."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        super().__init__(f"these wait for each other: {', '.join(ids)}")
        self.ids = ids


class UnknownMemberError(ScrumError):
    """Raised when nobody in the team has the id."""

    def __init__(self, agent: str) -> None:
        super().__init__(f"{agent} is not in the team")
        self.agent = agent


class IncompleteTeamError(ScrumError):
    """Raised when nobody in a team can do a job that every team needs."""

    def __init__(self, team: str, missing: str) -> None:
        super().__init__(f"{team} has no {missing}")
        self.team, self.missing = team, missing
