"""The bodies of requests, as OpenAI's documentation has them. A field that is not here is refused by its name.

Null is like leaving out, as OpenAI's clients send it. What is accepted in one value only changes nothing: `tools: []`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from inference.engines.refusing import MAX_LOGPROBS, MAX_STOPS, MAX_TOKENS

MAX_CHOICES = 128  # as OpenAI has it
MAX_MESSAGES = 4_096
_SEED = 1 << 63

Text = Annotated[StrictStr, Field(max_length=64 * 1024 * 1024)]
ModelName = Annotated[StrictStr, Field(min_length=1, max_length=512)]
Tokens = Annotated[StrictInt, Field(ge=1, le=MAX_TOKENS)]
Logprobs = Annotated[StrictInt, Field(ge=0, le=MAX_LOGPROBS)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Label = Annotated[StrictStr, Field(max_length=512)]


class Body(BaseModel):
    """Frozen, and refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextPart(Body):
    """A part of a message's content; of all kinds only text can be read by the engines."""

    type: Literal["text"]
    text: Text


class Message(Body):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=MAX_MESSAGES)]
    tool_call_id: Label | None = None  # the format wants it of a tool's message; the place in the conversation says it

    @property
    def text(self) -> str:
        """The whole content."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(Body):
    """What a stream also tells."""

    include_usage: StrictBool = False


class AnswerSchema(Body):
    """A schema with its name, which is for people."""

    name: Label
    description: Label | None = None
    strict: StrictBool | None = None  # a schema is always enforced
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(Body):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: AnswerSchema | None = None


class Common(Body):
    """What chat and completions share."""

    model: ModelName
    max_tokens: Tokens | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    n: Annotated[StrictInt, Field(ge=1, le=MAX_CHOICES)] | None = None
    stop: Text | Annotated[list[Text], Field(max_length=MAX_STOPS)] | None = None
    seed: Annotated[StrictInt, Field(ge=-_SEED, lt=_SEED)] | None = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    return_token_ids: StrictBool | None = None  # as vLLM names it
    timeout: Annotated[Number, Field(gt=0, le=86_400)] | None = None  # seconds until nobody wants the answer any more
    priority: Literal["agent", "trainer", "batch"] | None = None

    user: Label | None = None  # for the caller's own books, as the next two
    safety_identifier: Label | None = None
    metadata: Annotated[dict[Label, Label], Field(max_length=16)] | None = None

    frequency_penalty: Annotated[Number, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[Number, Field(ge=0, le=0)] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None


class ChatBody(Common):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Tokens | None = None
    logprobs: StrictBool | None = None
    top_logprobs: Logprobs | None = None

    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none"] | None = None
    store: Literal[False] | None = None


class CompletionBody(Common):
    """POST /v1/completions."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_CHOICES)]
    logprobs: Logprobs | None = None
    best_of: Annotated[StrictInt, Field(ge=1, le=1)] | None = None
    echo: Literal[False] | None = None


class LoadAdapterBody(Body):
    """POST /v1/load_lora_adapter, as vLLM has it, with the version that this pool adds."""

    lora_name: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    lora_path: Annotated[StrictStr, Field(min_length=1, max_length=4_096)]
    version: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] | None = None  # None: the next one
    base_model_name: ModelName | None = None  # None: the only base model there is
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class UnloadAdapterBody(Body):
    """POST /v1/unload_lora_adapter."""

    lora_name: Annotated[StrictStr, Field(min_length=1, max_length=256)]  # with or without @version
    version: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] | None = (
        None  # None: that of the name, or the only one
    )
