"""Sections that name the tools around a team: runtimes, repositories, stores, messages, research."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.section import NonEmptyText, Percentage, PortNumber, Section, ShortText

_COMMANDS = """
awk basename bash black cargo cat clang-format clang-tidy cmake cp ctest cut date diff dirname echo eslint find
g++ gcc git go gofmt golangci-lint grep head jest ls make mkdir mv mypy node npm npx pip prettier pwd pytest
python python3 rm ruff rustc rustfmt sed sort tail tee test touch tr tsc uniq wc which xargs
"""
ALLOWED_COMMANDS = tuple(_COMMANDS.split())
BLOCKED_PATTERNS = (
    r"rm\s+-[a-z]*r[a-z]*\s+/(\s|$)",
    r"\bsudo\b",
    r"\bmkfs\b",
    r"\bdd\s+if=",
    r">\s*/dev/(sd|nvme)",
    r":\(\)\s*\{",
)


class AnthropicSection(Section):
    """The cloud runtime (`runtimes.anthropic:`)."""

    enabled: bool = True
    api_key_env: ShortText = "ANTHROPIC_API_KEY"  # the name of the variable, never the key
    default_model: ShortText = "claude-sonnet-4-5"
    fallback_model: ShortText = "claude-opus-4-6"
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 8192


class LocalVllmSection(Section):
    """The runtime on one's own GPUs (`runtimes.local_vllm:`)."""

    enabled: bool = True
    endpoint: str = "http://vllm-gh200-module-1:8000"
    tool_use_protocol: Literal["xml", "native"] = "xml"
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 8192
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7


class ToolsSection(Section):
    """What agents may touch and run (`runtimes.tools:`)."""

    workspace_root: str = ""  # empty: a folder of the run
    allowed_commands: tuple[NonEmptyText, ...] = ALLOWED_COMMANDS
    blocked_patterns: tuple[NonEmptyText, ...] = BLOCKED_PATTERNS


class RuntimesSection(Section):
    """Where agents think and act (`runtimes:`)."""

    anthropic: AnthropicSection = AnthropicSection()
    local_vllm: LocalVllmSection = LocalVllmSection()
    tools: ToolsSection = ToolsSection()


class RepositorySection(Section):
    """The repository that brownfield work starts from (`code_generation.repo_config:`)."""

    url: str = ""
    branch: NonEmptyText = "main"
    clone_mode: Literal["fresh", "incremental"] = "fresh"


class CoverageSection(Section):
    """What tests must cover of a story's code before it lands (`code_generation.coverage:`)."""

    enabled: bool = True
    source: NonEmptyText = "src"
    min_line_coverage: Percentage = 85
    min_branch_coverage: Percentage = 80


LayerName = Literal[  # of the sandbox; a test keeps this list equal to its own
    "user-namespace",
    "mount-namespace",
    "pid-namespace",
    "net-namespace",
    "ipc-namespace",
    "uts-namespace",
    "read-only-root",
    "scratch-tmpfs",
    "dropped-privileges",
    "no-new-privileges",
    "seccomp",
    "landlock",
    "memory-cap",
    "process-cap",
    "resource-limits",
    "wall-clock-kill",
]


class SandboxSection(Section):
    """What confines code that a model wrote (`code_generation.sandbox:`)."""

    accept_missing: tuple[LayerName, ...] = ()  # layers without which such code may run all the same


class CodeGenerationSection(Section):
    """How stories turn into code (`code_generation:`)."""

    mode: Literal["executed", "modelled"] = "executed"
    hands: Literal["behavioural", "llm"] = "behavioural"  # who writes: the calibrated hands, or a model with tools
    model: ShortText | None = None  # one model for everybody's hands; none means policy.model, else that of the driver
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None  # of one tool call; none means the driver's
    memory_chars: Annotated[int, Field(ge=0, le=1_000_000)] = 24_000  # of earlier calls of a quarter, shown again
    sandbox: SandboxSection = SandboxSection()
    workspace_mode: Literal["per_story", "per_sprint"] = "per_story"
    persist_across_sprints: bool = False
    merge_completed_stories: bool = False
    repo_config: RepositorySection = RepositorySection()
    coverage: CoverageSection = CoverageSection()
    max_complexity: Annotated[int, Field(ge=1, le=100)] = 10  # cyclomatic, of any function that lands
    workers: Annotated[int, Field(ge=1, le=64)] = 2  # processes that run tests and git

    @property
    def asks_model(self) -> bool:
        """Whether a model writes the code."""
        return self.hands == "llm"


class DatabaseSection(Section):
    """Stores that other tools expect (`database:`)."""

    url: str = "postgresql://postgres@localhost:5432/team_context"
    redis_url: str = "redis://localhost:6379"


class MonitoringSection(Section):
    """Where measures are served and looked at (`monitoring:`)."""

    prometheus_port: PortNumber = 8080
    grafana_url: str = "http://localhost:3000"


MergeMethod = Literal["squash", "merge", "rebase"]


class GithubSection(Section):
    """Pull requests on GitHub (`remote_git.github:`)."""

    token_env: ShortText = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable, not a secret
    base_branch: NonEmptyText = "main"
    merge_method: MergeMethod = "squash"
    draft_prs: bool = False


class GitlabSection(Section):
    """Merge requests on GitLab (`remote_git.gitlab:`)."""

    token_env_pattern: ShortText = "GITLAB_TOKEN_{role_id}"  # noqa: S105 - the pattern of a variable's name
    base_branch: NonEmptyText = "main"
    merge_method: MergeMethod = "squash"
    draft_prs: bool = False


class RemoteGitSection(Section):
    """Whether work is pushed, and where to (`remote_git:`)."""

    enabled: bool = False
    provider: Literal["github", "gitlab"] = "github"
    author_email_domain: NonEmptyText = "agent.local"
    github: GithubSection = GithubSection()
    gitlab: GitlabSection = GitlabSection()


class MessagingSection(Section):
    """The message bus of the peer's configuration files (`messaging:`)."""

    backend: Literal["asyncio", "redis"] = "asyncio"
    redis_url: str = "redis://localhost:6379"
    history_size: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    log_messages: bool = False


class WebSearchSection(Section):
    """Searches on the web (`domain_research.web_search:`)."""

    enabled: bool = False
    engine: Literal["brave", "google", "kagi"] = "brave"
    api_key_env: ShortText = "SEARCH_API_KEY"  # the name of the variable, never the key
    max_results: Annotated[int, Field(ge=1, le=100)] = 5


class DomainResearchSection(Section):
    """What the product owner reads before the first sprint (`domain_research:`)."""

    enabled: bool = False
    context_documents: tuple[NonEmptyText, ...] = ()
    web_search: WebSearchSection = WebSearchSection()
