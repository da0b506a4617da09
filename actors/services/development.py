"""Development: pairs for the day, stories for free pairs, testers for stories in Review. Driven by events only."""

from __future__ import annotations

from actors.scrum.calendar import MINUTE_US
from actors.scrum.cards import CardView
from actors.scrum.pairing import Pair, PairDraw, form_pairs, seat_pair
from actors.services.board_messages import BoardChanged, BoardSeen, PromoteStory, PullStory, ReassignStory, SubmitStory
from actors.services.ceremony import Ceremony
from actors.services.pairing_messages import ReviewStory, StartWork, StopWork, StoryChecked, WorkStopped
from actors.services.refinement import Refinement
from actors.services.sprint_planning import SprintPlanning
from actors.services.team_setting import agent_address
from brokers.node.errors import RefusedError

WORTHWHILE_US = 60 * MINUTE_US  # with less of the day left nobody begins to refine another story
NOT_NOW = ("WipLimitError", "NotReadyError", "BlockedError", "WrongColumnError", "UnknownStoryError")


class Development(Ceremony):
    """The part of a day in which stories are worked on."""

    is_assigning = False  # of this incarnation
    is_asked_again = False
    is_refining = False

    @property
    def ends_us(self) -> int:
        """When today's development ends."""
        return self.team.calendar.development(self.state.sprint, max(1, self.state.day)).end_us

    @property
    def is_open(self) -> bool:
        """Whether pairs work now."""
        return self.state.day > 0 and self.team.calendar.is_development(self.context.now_us)

    # -- pairs of the day -------------------------------------------------------------------------------------------

    async def form_pairs(self) -> None:
        """Pair up: owners of stories in progress first, then owners of stories that may start, then the others."""
        state, roster = self.state, self.team.roster
        cards = (await self.view_board()).cards
        helped = self._helped_pairs(cards)
        seated = {agent for pair in helped for agent in (pair.driver, pair.navigator)}
        qa = roster.qa_lead
        free = [m.agent for m in roster.engineers if m.agent not in seated and m.agent not in state.busy()]
        candidates = [agent for agent in free if qa is None or agent != qa.agent]
        owners = [agent for agent in self._owners_by_urgency(cards) if agent in candidates]
        draws = [self._draw(position) for position in range(len(owners))]
        pairs = form_pairs(
            owners, candidates, roster=roster, counts=state.counts, draws=draws, rules=self.team.pair_rules
        )
        state.idle[:] = [*helped, *pairs]
        day = (state.sprint - 1) * self.team.calendar.days_per_sprint + state.day
        for pair in state.idle:
            state.counts.record(pair.driver, pair.navigator, day=day)

    def _helped_pairs(self, cards: tuple[CardView, ...]) -> list[Pair]:
        """Pairs that the lead has put together in the stand-up."""
        owner_of = {card.story_id: card.owner for card in cards}
        pairs: list[Pair] = []
        taken: list[str] = list(self.state.busy())
        for story_id, helper in self.state.helpers.items():
            owner = owner_of.get(story_id, "")
            if owner and owner != helper and owner not in taken and helper not in taken:
                pairs.append(seat_pair(owner, helper, roster=self.team.roster, seat=0, rules=self.team.pair_rules))
                taken += [owner, helper]
        return pairs

    def _owners_by_urgency(self, cards: tuple[CardView, ...]) -> list[str]:
        """Developers, those with a story in progress first; the lead helps rather than owns."""
        running = [card.owner for card in cards if card.column == "in_progress"]
        waiting = [card.owner for card in sorted(cards, key=_urgency) if card.column == "ready"]
        lead = self.team.roster.lead.agent
        others = [member.agent for member in self.team.roster.developers if member.agent != lead]
        developers = {member.agent for member in self.team.roster.developers}
        return [agent for agent in dict.fromkeys([*running, *waiting, *others]) if agent in developers]

    def _draw(self, position: int) -> PairDraw:
        entity = f"{self.team.team}/{self.state.sprint}/{self.state.day}"
        draws = [self.context.draw("pairs", entity, 3 * position + n) for n in range(3)]
        return PairDraw(tester_permille=draws[0].permille(), pick=draws[1].below(5040), seat=draws[2].below(2))

    # -- stories for pairs ------------------------------------------------------------------------------------------

    async def assign(self) -> None:
        """Give every free pair a story, and every story in Review a tester; as far as there are any."""
        if self.is_assigning:
            self.is_asked_again = True
            return
        self.is_assigning = True
        try:
            self.is_asked_again = True
            while self.is_asked_again and self.is_open:
                self.is_asked_again = False
                board = await self.view_board()
                await self._submit_completed(board)
                self._send_testers(board)
                await self._staff(board)
                await self._find_more()
        finally:
            self.is_assigning = False

    async def _submit_completed(self, board: BoardSeen) -> None:
        """Hand over what is finished, as long as Review has room; the move itself brings the testers."""
        columns = {card.story_id: card.column for card in board.cards}
        for story_id, driver in tuple(self.state.completed.items()):
            if columns.get(story_id) == "in_progress" and not await self._try(
                SubmitStory(story_id=story_id, developer=driver)
            ):
                return
            self.state.completed.pop(story_id, None)

    async def _staff(self, board: BoardSeen) -> None:
        state = self.state
        done = self._done(board)
        for pair in tuple(state.idle):
            card = self._story_for(pair, board, done)
            if card is None or pair not in state.idle:
                continue
            state.idle.remove(pair)
            if not await self._begin(pair, card):
                state.idle.append(pair)

    async def _find_more(self) -> None:
        """A pair is free and nothing is left that it may begin: take a stretch story in, or refine another one."""
        if not self.state.idle:
            return
        board = await self.view_board()
        done = self._done(board)
        running = sum(1 for card in board.cards if card.column == "in_progress")
        if running >= self.team.wip_in_progress:
            return
        if any(card.column == "ready" and _may_start(card, done) for card in board.cards):
            return
        waiting = [card for card in board.cards if card.column == "backlog" and _may_start(card, done)]
        if waiting:
            chosen = min(waiting, key=_urgency)
            await self._try(PromoteStory(story_id=chosen.story_id, by=self.team.roster.lead.agent))
        elif not self.is_refining and self.ends_us - self.context.now_us > WORTHWHILE_US:
            self.is_refining = True
            self.context.spawn(self._refine_one_more())

    async def _refine_one_more(self) -> None:
        """The team has run out of work: refine and plan one story in the middle of the sprint."""
        known = await Refinement(self.context, self.state, self.team).refine_next()
        if known is not None:
            await SprintPlanning(self.context, self.state, self.team).plan_unplanned()
        self.is_refining = False
        if known is not None:
            await self.assign()

    def _done(self, board: BoardSeen) -> set[str]:
        """Stories that others may build on now."""
        return {card.story_id for card in board.cards if card.column == "done"}.union(self.state.accepted)

    def _story_for(self, pair: Pair, board: BoardSeen, done: set[str]) -> CardView | None:
        """What a pair does next: finish what was begun, its own before others', then start something new."""
        state = self.state
        both = (pair.driver, pair.navigator)
        begun = [
            card
            for card in board.cards
            if card.column == "in_progress"
            and card.story_id not in state.sessions
            and card.story_id not in state.completed
        ]
        waiting = {owner for other in state.idle if other != pair for owner in (other.driver, other.navigator)}
        own = [card for card in begun if card.owner in both]
        orphans = [card for card in begun if card.owner not in waiting]
        startable = [card for card in board.cards if card.column == "ready" and _may_start(card, done)]
        startable = [card for card in startable if card.story_id not in state.sessions]
        fresh = sorted(startable, key=lambda card: (*_urgency(card)[:1], card.owner not in both, *_urgency(card)))
        return next(iter([*own, *orphans, *fresh]), None)

    async def _begin(self, pair: Pair, card: CardView) -> bool:
        """Start or go on with a story. False: the board refused it for now."""
        state, known = self.state, self.state.stories.get(card.story_id)
        if known is None:
            return False
        owner = card.owner if card.owner in (pair.driver, pair.navigator) else pair.owner
        navigator = pair.navigator if owner == pair.driver else pair.driver
        state.sessions[card.story_id] = pair
        if card.column == "ready":
            pull = PullStory(story_id=card.story_id, developer=owner, navigator=navigator)
            if not await self._try(pull):
                state.sessions.pop(card.story_id, None)
                return False
        elif owner != card.owner or navigator != card.navigator:
            await self._try(ReassignStory(story_id=card.story_id, owner=owner, navigator=navigator))
        order = StartWork(
            sprint=state.sprint,
            day=state.day,
            story=known.view(),
            navigator=pair.navigator,
            ends_us=self.ends_us,
        )
        self.context.tell(agent_address(pair.driver), order)
        return True

    async def _try(self, command: PullStory | SubmitStory | ReassignStory | PromoteStory) -> bool:
        """Ask the board. False: a rule says not now; a later change of the board brings us back here."""
        try:
            await self.insist(self.team.board, command)
        except RefusedError as refused:
            if refused.error not in NOT_NOW:
                raise
            return False
        return True

    # -- testers for stories ----------------------------------------------------------------------------------------

    def _send_testers(self, board: BoardSeen) -> None:
        """Every story in Review gets the free tester with the fewest reviews so far."""
        state = self.state
        for card in board.cards:
            known = state.stories.get(card.story_id)
            if card.column != "review" or card.story_id in state.reviewing or known is None:
                continue
            paired = {agent for pair in state.idle for agent in (pair.driver, pair.navigator)}
            busy = state.busy()
            free = [m.agent for m in self.team.roster.testers if m.agent not in busy and m.agent not in paired]
            if not free:
                return
            tester = min(free, key=lambda agent: (state.reviews.get(agent, 0), free.index(agent)))
            state.reviewing[card.story_id] = tester
            state.reviews[tester] = state.reviews.get(tester, 0) + 1
            order = ReviewStory(sprint=state.sprint, story=known.view(), returned_before=known.returned)
            self.context.tell(agent_address(tester), order)

    # -- what happens -----------------------------------------------------------------------------------------------

    async def on_board_changed(self, news: BoardChanged) -> None:
        """A card moved: something may have become possible."""
        known = self.state.stories.get(news.story_id)
        if known is not None and news.to_column == "done":
            known.done_us = self.context.now_us
        if news.to_column != "in_progress" or news.from_column == "review":
            await self.assign()

    async def on_work_stopped(self, news: WorkStopped) -> None:
        """A pair is free again, or went home."""
        state = self.state
        pair = state.sessions.get(news.story_id)
        if pair is None or pair.driver != news.driver:
            return
        del state.sessions[news.story_id]
        known = state.stories.get(news.story_id)
        if known is not None:
            for point in news.cleared:
                known.clear(point)
        if news.finished:
            state.completed[news.story_id] = news.driver
        if self.is_open:
            state.idle.append(pair)
            await self.assign()

    async def on_story_checked(self, news: StoryChecked) -> None:
        """A tester is free again."""
        self.state.reviewing.pop(news.story_id, None)
        known = self.state.stories.get(news.story_id)
        if known is not None and not news.approved:
            known.returned += 1
        await self.assign()

    async def on_restarted(self, agent: str) -> None:
        """Somebody crashed: release the pair or the review, the work goes on from where it was saved."""
        state = self.state
        for story_id, pair in tuple(state.sessions.items()):
            if agent == pair.navigator:
                self.context.tell(agent_address(pair.driver), StopWork(story_id=story_id))
            elif agent == pair.driver:
                del state.sessions[story_id]
                if self.is_open:
                    state.idle.append(pair)
        for story_id, tester in tuple(state.reviewing.items()):
            if tester == agent:
                del state.reviewing[story_id]
        await self.assign()


def _urgency(card: CardView) -> tuple[bool, int, int]:
    return (not card.expedite, card.priority, card.card_id)


def _may_start(card: CardView, done: set[str]) -> bool:
    return "BLOCKED" not in card.tags and all(needed in done for needed in card.depends_on)
