"""What befalls code from outside: disturbances of stories, copies of modules on main, and regressions in them.

Pure state and its rules. What a trouble does to a story shows in the files that its branch has to have; what it does to
main is a change that is nobody's story.
"""

from __future__ import annotations

from actors.scrum.stories import ExerciseRef
from actors.services.code_flaws import flaw_made, flaw_request
from actors.services.story_code import Branches, StoryCode
from actors.services.work_messages import DisturbanceEffect
from actors.work.messages import FlawPlanted, PlantFlaw
from actors.work.product import ExerciseKey, Flaw, ModuleCode
from actors.work.troubles import FLAKY_KINDS, copy_path
from config.streams import Draw, draw

MOST_BROKEN = 4  # modules in which a regression is looked for


class CodeTroubles:
    """The troubles of one team's code. Survives the workshop's restart."""

    def __init__(self, branches: Branches, *, seed: int) -> None:
        self._branches, self._product, self._seed = branches, branches.product, seed
        self._copying: dict[str, str] = {}  # change under way -> the disturbance whose copy it brings or removes
        self._incidents: dict[ExerciseKey, tuple[str, ...]] = {}  # canaries that failed in production

    # -- disturbances of a story --------------------------------------------------------------------------------------

    def disturb(self, hit: DisturbanceEffect) -> None:
        """Let a disturbance reach the code of a story; the next commit shows it. To be called once for each."""
        code, chance = self._branches.of(hit.story_id), self._draw("troubles", f"{hit.disturbance_id}/{hit.story_id}")
        match hit.type:
            case "dependency_breaks" if not code.vendored:
                code.vendored, code.is_adapted = self._product.vendored + 1, False
            case "merge_conflict":
                code.announces = True
            case "flaky_test":
                code.flaky = FLAKY_KINDS[chance.below(len(FLAKY_KINDS))]
            case "junior_misunderstanding":
                _misread(code, hit.disturbance_id, chance)
            case _:
                return
        code.breaks[hit.disturbance_id] = hit.type

    def settle(self, story_id: str, disturbance_id: str) -> None:
        """Somebody has worked a disturbance off; the next commit shows that, too."""
        if not self._branches.has(story_id):
            return
        code = self._branches.of(story_id)
        match code.breaks.pop(disturbance_id, None):
            case "dependency_breaks":
                code.is_adapted = True
            case "flaky_test":
                code.flaky = None
            case "junior_misunderstanding":
                code.misread.pop(disturbance_id, None)

    # -- copies of modules --------------------------------------------------------------------------------------------

    def copy_wanted(self, disturbance_id: str) -> StoryCode | None:
        """The change in which somebody copies a module of main instead of using it; None: there is nothing to copy."""
        keys = sorted(self._product.landed)
        if not keys:
            return None
        key = keys[self._draw("troubles", f"{disturbance_id}/copy").below(len(keys))]
        return self._change(key, f"{disturbance_id}-DEBT", disturbance_id)

    def copy_removal(self, disturbance_id: str) -> StoryCode | None:
        """The change that takes the copy away again; None if it never came to main."""
        if disturbance_id not in self._product.copies:
            return None
        path, _ = self._product.copies[disturbance_id]
        key = next(key for key, code in sorted(self._product.landed.items()) if copy_path(code.exercise) == path)
        return self._change(key, f"{disturbance_id}-REFACTOR", disturbance_id)

    def copy_landed(self, code: StoryCode) -> bool:
        """A change is on main. Returns whether it was about a copy: then the module itself is as it was."""
        disturbance_id = self._copying.pop(code.story_id, None)
        if disturbance_id is None:
            return False
        if disturbance_id in self._product.copies:
            del self._product.copies[disturbance_id]
        else:
            self._product.copies[disturbance_id] = copy_path(code.exercise), code.module.source()
        return True

    def _change(self, key: ExerciseKey, story_id: str, disturbance_id: str) -> StoryCode:
        self._copying[story_id] = disturbance_id
        return self._branches.add(_change_of(self._product.landed[key], story_id))

    # -- regressions --------------------------------------------------------------------------------------------------

    def breakable(self, disturbance_id: str) -> tuple[ExerciseKey, ...]:
        """Modules on main that nobody has a branch for, in drawn order, as many as are worth trying."""
        worked_on = self._branches.worked_on()
        ours = [key for key, code in sorted(self._product.landed.items()) if code.texts is None]  # mutants fit no other
        left = [key for key in ours if key not in worked_on]
        chosen: list[ExerciseKey] = []
        for n in range(min(MOST_BROKEN, len(left))):
            chosen.append(left.pop(self._draw("incidents", disturbance_id, n).below(len(left))))
        return tuple(chosen)

    def regression_wanted(self, key: ExerciseKey, disturbance_id: str) -> PlantFlaw:
        """The request for a mistake in a module on main that only canaries notice."""
        landed = self._product.landed[key]
        functions = landed.exercise.functions(landed.built)
        seed = self._draw("incidents", f"{disturbance_id}/{landed.family}/{landed.number}").bits % 2**62
        return flaw_request(self._product, landed, functions, escapes=True, seed=seed)

    def break_module(self, key: ExerciseKey, story_id: str, planted: FlawPlanted) -> tuple[StoryCode, Flaw]:
        """The module as somebody changes it who should not have."""
        flaw = flaw_made(self._product, planted)
        assert flaw is not None
        landed = self._product.landed[key]
        code = self._branches.add(_change_of(landed, story_id))
        code.module = landed.with_flaw(flaw)
        return code, flaw

    def noticed(self, key: ExerciseKey, case_ids: tuple[str, ...]) -> None:
        """Canaries that have failed: whoever repairs the module makes visible tests of them."""
        self._incidents[key] = case_ids

    def noticed_in(self, key: ExerciseKey) -> tuple[str, ...]:
        """Canaries that failed in this module the last time that it broke."""
        return self._incidents.get(key, ())

    def _draw(self, stream: str, entity: str, n: int = 0) -> Draw:
        return draw(self._seed, stream, entity, n)


def _misread(code: StoryCode, disturbance_id: str, chance: Draw) -> None:
    """Somebody who did not understand builds an open point as nobody wants it."""
    built, points = code.module.built, code.exercise.kata.open_points
    places = [n for n, point in enumerate(points) if point.criterion in built and point.criterion in code.ref.criteria]
    if places:
        position = places[chance.below(len(places))]
        others = [n for n in range(len(points[position].alternatives)) if n != code.module.choices[position]]
        code.misread[disturbance_id] = position, others[chance.bits % len(others)]


def _change_of(module: ModuleCode, story_id: str) -> StoryCode:
    """A change of a module that no story asks for."""
    ref = ExerciseRef(family=module.family, number=module.number, criteria=tuple(module.exercise.criteria))
    return StoryCode(story_id=story_id, ref=ref, module=module)
