"""Cards that nobody planned: a hotfix after an incident, a story that crept into the scope."""

from __future__ import annotations

from actors.scrum.cards import CardView
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import Story
from actors.scrum.team import owner_for
from actors.services.asking import insist
from actors.services.board_messages import AddCard
from actors.services.disturbance_messages import StoryInserted
from actors.services.team_setting import TeamSetting
from actors.services.work_messages import RegisterPlan, RegisterStory
from actors.work.effort import estimated_minutes
from brokers.node.context import Context

HOTFIX_POINTS = 3
SCOPE_POINTS = 2


def hotfix_story(disturbance_id: str, hit: CardView) -> Story:
    """What repairs an incident in the module of the story that was hit; it comes before everything else."""
    return Story(
        story_id=f"{disturbance_id}-HOTFIX",
        title=f"Hotfix: {hit.module} fails in production",
        description=f"An incident in {hit.module} while {hit.story_id} was in progress.",
        criteria=(f"{hit.module} works in production again", f"a test fails if {hit.module} breaks in this way again"),
        sized_points=HOTFIX_POINTS,
        priority=hit.priority,
        module=hit.module,
        specialization=hit.specialization,
        generated=True,
        kind="hotfix",
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
