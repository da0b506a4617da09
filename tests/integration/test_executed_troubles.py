"""A run in which everything goes wrong that can: each disturbance is something real in git, and ends there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from actors.scrum.messages import DisturbanceKind
from actors.work.katas.bank import FAMILIES
from actors.work.katas.themes import THEMES
from tests.support.live import events
from tests.support.repositories import Commit, Product, file_of_tests, pytest_in
from tests.support.runs import run

pytestmark = pytest.mark.timeout(400)  # nothing waits so long: the machine may be busy
VENDORED, PRODUCT_TEST, CHANGES = "src/vendored/naming.py", "tests/test_product.py", "CHANGES.md"
CIRCUMSTANCES = 12  # hours, hash seeds and orders in which a test is tried that depends on one of them


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    folder = tmp_path_factory.mktemp("troubled") / "run"
    always = [f"disturbances.frequencies.{kind}=1.0" for kind in get_args(DisturbanceKind)]
    run(folder, "--sprints", "4", "--seed", "3", "--nodes", "1", *always, executes=True)
    return folder


@pytest.fixture(scope="module")
def product(troubled: Path) -> Product:
    return Product.of(troubled)


def of_kind(folder: Path, *kinds: str) -> list[dict[str, Any]]:
    return [event for _, event in events(folder, *kinds)]


def story_of(commit: Commit) -> str:
    return commit.body.partition("Story: ")[2].partition("\n")[0]


def exercise_at(path: str) -> tuple[str, int]:
    """The family and the variant whose module lies there."""
    name = path.rpartition("/")[2].removesuffix(".py")
    (found,) = [
        (family, number)
        for number, theme in enumerate(THEMES)
        for family in FAMILIES
        if name == f"{theme.many}_{family}"
    ]
    return found


def modules_in(files: dict[str, str]) -> list[str]:
    return [path for path in files if re.fullmatch(r"src/product/\w+/(?!__init__)\w+(?<!_copy)\.py", path)]


def test_every_kind_strikes_and_the_product_works_all_the_same(troubled: Path, product: Product) -> None:
    struck = {event["type"] for event in of_kind(troubled, "disturbance.struck/1")}

    assert struck == set(get_args(DisturbanceKind))
    assert of_kind(troubled, "node.dead_letter/1") == []
    assert pytest_in(product.folder).returncode == 0
    assert product.is_intact()


def test_every_commit_on_main_is_green(product: Product, tmp_path: Path) -> None:
    for n, name in enumerate(product.git("rev-list", "--first-parent", "main").split()[::3]):
        done = pytest_in(product.clone(tmp_path / str(n), name))
        assert done.returncode == 0, (name, done.stdout)


def test_a_dependency_break_makes_the_product_red_until_somebody_adapts_it(product: Product, tmp_path: Path) -> None:
    alone = [one for one in product.commits("--all") if VENDORED in one.files and PRODUCT_TEST not in one.files]
    pairs = [
        (broken, adapted)
        for broken in alone
        for adapted in product.commits("--all")
        if PRODUCT_TEST in adapted.files and story_of(adapted) == story_of(broken)
    ]

    assert pairs
    broken, adapted = pairs[0]
    assert pytest_in(product.clone(tmp_path / "broken", broken.name), PRODUCT_TEST).returncode != 0
    assert pytest_in(product.clone(tmp_path / "adapted", adapted.name), PRODUCT_TEST).returncode == 0
    assert product.file("main", VENDORED) != product.file(first_of(product), VENDORED)


def first_of(product: Product) -> str:
    return product.git("rev-list", "--max-parents=0", "main").strip()


def test_a_merge_conflict_is_gits_own_and_the_story_lands_when_it_is_resolved(troubled: Path, product: Product) -> None:
    landed = [event["story_id"] for event in of_kind(troubled, "code.story_landed/1")]
    returned = [
        (row, event)
        for row, event in events(troubled, "code.merge_returned/1")
        if event["reason"] == "conflict" and CHANGES in event["details"]
    ]
    resolved = [(row, event["story_id"]) for row, event in returned if event["story_id"] in landed]

    assert resolved
    for row, story in resolved:
        main = last_before(troubled, row.time_us, "code.story_landed/1")["commit"]
        head = last_before(troubled, row.time_us, "code.committed/1", story)["commit"]
        assert product.conflicts(main, head)
        after = [event["commit"] for at, event in events(troubled, "code.committed/1") if at.time_us > row.time_us]
        merges = [name for name in after if len(product.git("log", "-1", "--format=%P", name).split()) == 2]
        assert any("Take main into" in product.git("log", "-1", "--format=%s", name) for name in merges)
    announced = product.file("main", CHANGES).count("\n- ")
    assert announced >= 2, "what both sides announced stands there"


def last_before(folder: Path, time_us: int, kind: str, story: str = "") -> dict[str, Any]:
    return [
        event
        for row, event in events(folder, kind)
        if row.time_us <= time_us and (not story or event["story_id"] == story)
    ][-1]


def test_a_flaky_test_really_depends_on_its_circumstances_and_is_gone_when_somebody_has_seen_to_it(
    product: Product,
) -> None:
    nightly = [(one, path) for one in product.commits("--all") for path in one.files if path.endswith("_nightly.py")]
    added = [(one, path) for one, path in nightly if one.files[path] == "A"]
    removed = {(story_of(one), path) for one, path in nightly if one.files[path] == "D"}

    assert any((story_of(one), path) in removed for one, path in added)
    proven = 0
    for one, path in added:
        if all(product.has(one.name, module) for module in imported_by(product, one, path)):
            outcomes = set(product.tried(one.name, path, times=CIRCUMSTANCES))
            assert outcomes == {True, False}, (one, path)
            proven += 1
    assert proven


def imported_by(product: Product, commit: Commit, path: str) -> Iterator[str]:
    for module in re.findall(r"^from (product\.\S+) import", product.file(commit.name, path), re.MULTILINE):
        yield f"src/{module.replace('.', '/')}.py"


def test_debt_is_a_copy_of_a_module_on_main_and_goes_when_it_is_paid(product: Product) -> None:
    copied = [(one, path) for one in product.commits("main") for path in one.files if path.endswith("_copy.py")]
    landed = [(one, path) for one, path in copied if one.files[path] == "A"]
    paid = [(one, path) for one, path in copied if one.files[path] == "D"]

    assert landed
    assert {path for _, path in paid} & {path for _, path in landed}
    for one, path in landed:
        original = path.replace("_copy.py", ".py")
        assert one.author == "platform"
        assert product.file(one.name, path) == product.file(one.name, original)


def test_an_incident_is_a_change_that_only_canaries_notice_and_its_culprit_is_the_commit_that_brought_it(
    troubled: Path, product: Product, tmp_path: Path
) -> None:
    escaped = of_kind(troubled, "code.defect_escaped/1")
    incidents = [event for event in escaped if event["story_id"].endswith("-CHANGE")]

    assert incidents
    for event in escaped:
        culprit, criterion = event["culprit"], event["criterion"]
        (path,) = modules_in(product.changed(f"{culprit}^1", culprit))
        before = product.canaries(f"{culprit}^1", *exercise_at(path)) if product.has(f"{culprit}^1", path) else {}
        after = product.canaries(culprit, *exercise_at(path))
        assert after[criterion] >= event["cases"] > 0, event
        assert before.get(criterion, 0) == 0, event
    for event in incidents:
        brought = product.commits(f"{event['culprit']}^1..{event['culprit']}^2")
        assert [one.author for one in brought] == ["platform"]
        assert pytest_in(product.clone(tmp_path / event["culprit"], event["culprit"])).returncode == 0


def test_a_hotfix_leaves_a_test_that_is_red_on_the_culprit_and_green_ever_after(
    troubled: Path, product: Product, tmp_path: Path
) -> None:
    culprits = {event["story_id"]: event["culprit"] for event in of_kind(troubled, "code.defect_escaped/1")}
    landed = {event["story_id"]: event["commit"] for event in of_kind(troubled, "code.story_landed/1")}
    fixed = [(story, commit) for story, commit in landed.items() if story.endswith("-HOTFIX")]

    assert fixed
    for story, commit in fixed:
        culprit = culprits[story.replace("-HOTFIX", "-CHANGE")]
        (path,) = modules_in(product.changed(f"{culprit}^1", culprit))
        tests = file_of_tests(path)
        assert "what_broke" in product.file(commit, tests)
        place = product.clone(tmp_path / story, culprit)
        (place / tests).write_text(product.file(commit, tests))
        assert pytest_in(place, tests, "-k", "what_broke").returncode == 1
        after = product.clone(tmp_path / f"{story}-fixed", commit)
        assert pytest_in(after, tests, "-k", "what_broke").returncode == 0
        assert pytest_in(product.folder, tests, "-k", "what_broke").returncode == 0
        assert sum(product.canaries(commit, *exercise_at(path)).values()) == 0


def test_scope_that_crept_in_is_a_story_with_code_and_hidden_tests(troubled: Path, product: Product) -> None:
    scopes = [event["story_id"] for event in of_kind(troubled, "code.story_landed/1") if "-SCOPE" in event["story_id"]]
    judged = {event["story_id"]: sum(event["cases"]) for event in of_kind(troubled, "code.acceptance_measured/1")}

    assert scopes
    assert any(judged.get(story, 0) > 0 for story in scopes)
