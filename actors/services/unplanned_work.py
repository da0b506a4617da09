"""Cards that nobody planned: a hotfix after an incident, a story that crept into the scope."""

from __future__ import annotations

from dataclasses import replace

from actors.scrum.cards import CardView
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import ExerciseRef, Story
from actors.scrum.team import owner_for
from actors.services.asking import insist
from actors.services.board_messages import AddCard
from actors.services.disturbance_messages import StoryInserted
from actors.services.incident_messages import IncidentStaged
from actors.services.team_setting import TeamSetting
from actors.services.work_messages import RegisterPlan, RegisterStory
from actors.work.effort import estimated_minutes
from brokers.node.context import Context

HOTFIX_POINTS = 3
SCOPE_POINTS = 2


def hotfix_story(disturbance_id: str, module: str, specialization: str, story_id: str, *, priority: int) -> Story:
    """What repairs an incident in a module, where some story was or is; it comes before everything else."""
    return Story(
        story_id=f"{disturbance_id}-HOTFIX",
        title=f"Hotfix: {module} fails in production",
        description=f"An incident in {module}, seen at {story_id}.",
        criteria=(f"{module} works in production again", f"a test fails if {module} breaks in this way again"),
        sized_points=HOTFIX_POINTS,
        priority=priority,
        module=module,
        specialization=specialization,
        generated=True,
        kind="hotfix",
    )


def executed_scope_story(disturbance_id: str, wish: Story) -> Story:
    """The same where work is executed: a story of its own, with code and hidden tests."""
    return replace(
        wish,
        story_id=f"{disturbance_id}-SCOPE",
        title=f"Also wanted: {wish.title}",
        kind="scope",
        depends_on=(),
    )


def executed_hotfix_story(disturbance_id: str, staged: IncidentStaged) -> Story:
    """What repairs a regression that canaries found in production."""
    return replace(
        hotfix_story(disturbance_id, staged.module, staged.specialization, staged.story_id, priority=1),
        exercise=ExerciseRef(family=staged.family, number=staged.number, criteria=(staged.criterion, staged.criterion)),
        family=staged.family,
    )


def scope_story(disturbance_id: str, hit: CardView) -> Story:
    """A wish that came up in the middle of the sprint, beside the story that was hit."""
    return Story(
        story_id=f"{disturbance_id}-SCOPE",
        title=f"Also wanted: {hit.title}",
        description=f"A wish that came up while {hit.story_id} was in progress.",
        criteria=(f"what was wished for beside {hit.story_id} can be used",),
        sized_points=SCOPE_POINTS,
        priority=hit.priority,
        module=hit.module,
        specialization=hit.specialization,
        generated=True,
        kind="scope",
    )


async def insert_story(context: Context, team: TeamSetting, story: Story, *, sprint: int, expedite: bool) -> None:
    """Tell everybody who must know of an unplanned story, and put its card into Ready."""
    task = PlannedTask(
        task_id=f"T-{sprint}-{story.story_id}",
        title=story.title,
        estimated_minutes=estimated_minutes(team.calibration, points=story.sized_points),
        depends_on=(),
        specialization=story.specialization,
    )
    owner = owner_for(story.specialization, team.roster.developers, {team.roster.lead.agent: 1})
    context.tell(team.facilitator, StoryInserted(story=story, points=story.sized_points))
    context.tell(team.workshop, RegisterStory(story=story))
    context.tell(team.workshop, RegisterPlan(story_id=story.story_id, tasks=(task,), sized=(task.estimated_minutes,)))
    order = AddCard(
        story=story,
        points=story.sized_points,
        owner=owner.agent,
        navigator="",
        tasks=(task,),
        column="ready",
        sprint=sprint,
        expedite=expedite,
    )
    await insist(context, team.board, order)
