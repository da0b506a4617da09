"""The training loop: nothing but examples and seed decides, and no conversation sees the one before it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from inference.text import ChatMessage
from training.house.examples import Example
from training.house.folder import HouseModelError, check_target, holds_model, prompts_digest, read_facts, write_folder
from training.house.learning import (
    Encoded,
    Shape,
    Step,
    encode,
    held_out_loss,
    new_model,
    packed,
    rate_at,
    save,
    tensors,
    texts_of,
    train,
    weight_of,
)
from training.house.making import house_prompts
from training.house.tokenizing import END, train_tokenizer

SMALL = Shape(layers=1, hidden=32, heads=2, key_value_heads=1, inner=64, row_tokens=64, rows=4, passes=40)
COLOURS = ("red", "green", "blue", "white")


def lesson(number: int) -> Example:
    """Whoever sees a colour names it."""
    colour = COLOURS[number % len(COLOURS)]
    messages = (ChatMessage(role="system", content="see"), ChatMessage(role="user", content=f"{number} {colour}"))
    return Example("see", messages, json.dumps({"seen": colour}))


LESSONS = [lesson(number) for number in range(120)]


def digest(model: Any) -> str:
    return hashlib.sha256(b"".join(weights.detach().numpy().tobytes() for weights in model.parameters())).hexdigest()


@pytest.fixture(scope="module")
def trained() -> tuple[Any, Any, list[Step]]:
    steps: list[Step] = []
    model, tokenizer = train(LESSONS, SMALL, seed=1, tell=steps.append)
    return model, tokenizer, steps


def test_training_learns_and_tells_every_step(trained: tuple[Any, Any, list[Step]]) -> None:
    model, tokenizer, steps = trained

    assert [step.number for step in steps] == list(range(1, steps[0].of + 1))
    assert steps[-1].loss < steps[0].loss / 4
    assert held_out_loss(model, tokenizer, [lesson(1001), lesson(1002)])["see"] < 0.7


def test_two_trainings_give_the_same_weights_and_another_seed_gives_others(
    trained: tuple[Any, Any, list[Step]],
) -> None:
    again, _ = train(LESSONS, SMALL, seed=1, tell=lambda step: None)
    other, _ = train(LESSONS, SMALL, seed=2, tell=lambda step: None)

    assert digest(again) == digest(trained[0])
    assert digest(other) != digest(trained[0])


def test_a_conversation_in_a_row_is_read_as_if_it_were_alone() -> None:
    import torch

    tokenizer = train_tokenizer(texts_of(LESSONS))
    model = new_model(tokenizer, SMALL).eval()
    first, second = encode(tokenizer, LESSONS[0]), encode(tokenizer, LESSONS[1])
    tokens, positions, _ = tensors([[first, second]], SMALL, tokenizer.pad_token_id)
    with torch.no_grad():
        together = model(input_ids=tokens, position_ids=positions, use_cache=False).logits[0]
        alone = model(input_ids=torch.tensor([second.tokens]), use_cache=False).logits[0]

    start = len(first.tokens)
    torch.testing.assert_close(together[start : start + len(second.tokens)], alone, atol=1e-5, rtol=1e-4)


def conversation(length: int, answer_at: int = 1) -> Encoded:
    return Encoded("any", tuple(range(length)), answer_at)


def test_rows_hold_conversations_in_their_order_and_never_too_many() -> None:
    rows = packed([conversation(length) for length in (30, 30, 10, 64, 1)], 64)

    assert [[len(one.tokens) for one in row] for row in rows] == [[30, 30], [10], [64], [1]]
    with pytest.raises(ValueError, match="65 tokens does not fit into a row of 64"):
        packed([conversation(65)], 64)


def test_an_answer_weighs_more_than_its_question_and_padding_weighs_nothing() -> None:
    rows = [[conversation(10, answer_at=6), conversation(5, answer_at=2)]]
    _, _, weights = tensors(rows, SMALL, 0)

    assert weights[0, :15].tolist() == pytest.approx([0, *[0.3] * 5, 1, 1, 1, 1, 0, 0.3, 1, 1, 1])
    assert weights[0, 15:].sum() == 0
    assert weights.sum() == pytest.approx(weight_of(rows, 0.3))


def test_the_rate_rises_shortly_and_then_falls() -> None:
    rates = [rate_at(step, 400, Shape()) for step in range(1, 401)]

    assert rates[0] < rates[48] < max(rates) <= Shape().learning_rate
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert Shape().least_rate <= rates[-1] < 0.05 * Shape().learning_rate


def test_a_saved_model_is_read_with_its_chat_template(trained: tuple[Any, Any, list[Step]], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer, _ = trained
    write_folder(tmp_path / "house", lambda folder: save(model, tokenizer, folder), {"parameters": 1})
    read: Any = AutoTokenizer.from_pretrained(tmp_path / "house")  # type: ignore[no-untyped-call]
    talk = [{"role": "system", "content": "see"}, {"role": "user", "content": "7 blue"}]
    asked = read.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)

    assert asked == "<|system|>see<|user|>7 blue<|assistant|>"
    assert read.eos_token == END
    for text in (asked, "12 red, -350", '{"seen":"blue","of":[0,17]}' + END):  # or the model meets what it never read
        numbers, as_trained = (each(text, add_special_tokens=False)["input_ids"] for each in (read, tokenizer))
        assert numbers == as_trained
    assert digest(AutoModelForCausalLM.from_pretrained(tmp_path / "house")) == digest(model)
    assert read_facts(tmp_path / "house")["parameters"] == 1


def test_a_model_takes_the_place_of_another_and_of_nothing_else(tmp_path: Path) -> None:
    def write(text: str) -> Any:
        return lambda folder: (folder / "weights").write_text(text)

    folder = tmp_path / "house"
    write_folder(folder, write("old"), {})
    check_target(folder)
    write_folder(folder, write("new"), {})
    assert (folder / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["house"]

    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("…")
    with pytest.raises(HouseModelError, match="no house model"):
        check_target(letters)
    with pytest.raises(HouseModelError, match="make house-model"):
        read_facts(letters)


def test_a_training_that_is_cut_off_leaves_nothing_that_looks_like_a_model(tmp_path: Path) -> None:
    def cut_off(folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "house", cut_off, {})
    assert not holds_model(tmp_path / "house")
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_prompts_follows_their_texts() -> None:
    _, files = house_prompts()
    other = {**files, "repair": type(files["repair"])("x", "another")}

    assert prompts_digest(files) == prompts_digest(dict(reversed(files.items()))) != prompts_digest(other)
