"""A firewall's rules: how they are written, which one decides about a connection, and which might go."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Decides which connections a firewall lets through."""

from <<address_pool>> import address_number, network_range

ACTIONS = ("allow", "deny")


def read_rule(text):
    """Read a rule such as "allow 10.0.0.0/24 80-90". Raises ValueError for anything else."""
    words = text.split()
    if len(words) != 3 or words[0] not in ACTIONS:
        raise ValueError(f"not a rule: {text!r}")
    low, dash, high = words[2].partition("-")
    ports = [int(low), int(high) if dash else int(low)]
    <<backwards>>
    return {"action": words[0], "addresses": network_range(words[1]), "ports": ports}


def decide(rules, address, port=PORT):
    """Say "allow" or "deny" for a connection; one that no rule speaks of is denied."""
    number = address_number(address)
    fitting = [rule for rule in map(read_rule, rules) if _speaks_of(rule, number, port)]
    if not fitting:
        return "deny"
    <<decides>>


def repeats(rules):
    """The numbers, counted from 1, of rules that repeat an earlier one."""
    known = [read_rule(one) for one in rules]
    return [
        number
        for number, rule in enumerate(known, start=1)
        if any(<<repeated>> for other in known[: number - 1])
    ]


def _speaks_of(rule, number, port):
    return _holds(rule["addresses"], number, number) and _holds(rule["ports"], port, port)


def _within(rule, other):
    return all(_holds(other[key], *rule[key]) for key in ("addresses", "ports"))


def _touches(rule, other):
    spans = [(rule[key], other[key]) for key in ("addresses", "ports")]
    return all(one[0] <= two[1] and two[0] <= one[1] for one, two in spans)


def _holds(span, first, last):
    return span[0] <= first and last <= span[1]
'''


def _backwards() -> OpenPoint:
    def read(name: str, answer: str, code: str, ports: list[Plain], error: str = "") -> Alternative:
        result: Plain = None if error else {"action": "deny", "addresses": [256, 511], "ports": ports}
        example = Example(function="read_rule", arguments=("deny 0.0.1.0/24 90-80",), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"backwards": code}, examples=(example,))

    return OpenPoint(
        criterion=1,
        topic="edge_case",
        question="What does a range of ports mean that is written backwards, such as 90-80?",
        alternatives=(
            read("swapped", "The same as 80-90.", "ports.sort()", [80, 90]),
            read(
                "mistake",
                "It is a mistake and refused like any other.",
                'if ports[0] > ports[1]:\n    raise ValueError(f"ports run backwards: {words[2]}")',
                [],
                error="ValueError",
            ),
            read(
                "upwards",
                "Port 90 and all above it, up to 65535.",
                "if ports[0] > ports[1]:\n    ports[1] = 65535",
                [90, 65535],
            ),
            read("first", "Only port 90, the second number is ignored.", "ports[1] = max(ports)", [90, 90]),
        ),
    )


def _decides() -> OpenPoint:
    def decided(name: str, answer: str, code: str, narrow_first: str, wide_first: str) -> Alternative:
        first: list[Plain] = ["allow 10.0.0.0/24 22", "deny 10.0.0.0/16 20-25"]
        second: list[Plain] = ["deny 10.0.0.0/8 22", "allow 10.0.0.0/24 22"]
        examples = (
            Example(function="decide", arguments=(first, "10.0.0.9", 22), result=narrow_first),
            Example(function="decide", arguments=(second, "10.0.0.9", 22), result=wide_first),
        )
        return Alternative(name=name, answer=answer, code={"decides": code}, examples=examples)

    return OpenPoint(
        criterion=2,
        topic="workflow",
        question="Several rules speak of the same connection. Which one decides?",
        alternatives=(
            decided("first", "The first in the list.", 'return fitting[0]["action"]', "allow", "deny"),
            decided("last", "The last in the list.", 'return fitting[-1]["action"]', "deny", "allow"),
            decided(
                "narrowest",
                "The one for the smallest network; the first of those if there are more.",
                'sizes = [rule["addresses"][1] - rule["addresses"][0] for rule in fitting]\n'
                'return fitting[sizes.index(min(sizes))]["action"]',
                "allow",
                "allow",
            ),
            decided(
                "strictest",
                "If any of them denies, it is denied.",
                'return "allow" if all(rule["action"] == "allow" for rule in fitting) else "deny"',
                "deny",
                "deny",
            ),
        ),
    )


def _repeated() -> OpenPoint:
    rules: list[Plain] = [
        "allow 10.0.0.0/8 1-100",
        "allow 10.1.0.0/16 50",
        "deny 10.1.0.0/16 60",
        "allow 10.0.0.0/8 1-100",
        "allow 10.0.0.0/8 90-120",
    ]

    def found(name: str, answer: str, code: str, numbers: list[Plain]) -> Alternative:
        example = Example(function="repeats", arguments=(rules,), result=numbers)
        return Alternative(name=name, answer=answer, code={"repeated": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="data",
        question="When does a rule repeat an earlier one?",
        alternatives=(
            found(
                "same", "When it says exactly the same: action, addresses and ports.", "rule == other", list[Plain]([4])
            ),
            found(
                "within",
                "When an earlier rule of the same action has all of its addresses and ports.",
                'rule["action"] == other["action"] and _within(rule, other)',
                [2, 4],
            ),
            found(
                "shadowed",
                "When an earlier rule has all of its addresses and ports, whatever the two of them do with those.",
                "_within(rule, other)",
                [2, 3, 4],
            ),
            found(
                "touching",
                "When it shares addresses and ports with an earlier rule of the same action, even if only some.",
                'rule["action"] == other["action"] and _touches(rule, other)',
                [2, 4, 5],
            ),
        ),
    )


_NETWORKS = ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "192.168.0.0/24")
_PORTS = ("22", "80", "80-90", "1-1023", "90-100", "81-89")


def _rules(chance: Chance, port: int) -> list[Plain]:
    return [
        f"{chance.pick(('allow', 'deny'))} {chance.pick(_NETWORKS)} {chance.pick((*_PORTS, str(port)))}"
        for _ in range(chance.between(2, 7))
    ]


def _text(chance: Chance) -> tuple[Plain, ...]:
    rule = f"{chance.pick(('allow', 'deny'))} {chance.pick(_NETWORKS)} {chance.pick((*_PORTS, '443-80'))}"
    mistakes = (f"log {rule}", rule.rpartition(" ")[0], rule + "-x", "drop" + rule.lstrip("alowdeny"))
    return (chance.pick(mistakes) if chance.below(4) == 0 else rule,)


def _connection(chance: Chance, port: int) -> tuple[Plain, ...]:
    address = chance.pick(("10.0.0.1", "10.1.0.0", "10.1.2.127", "10.1.2.128", "10.2.3.4", "192.168.0.255", "11.0.0.0"))
    rules = _rules(chance, port)
    return (rules, address, chance.pick((22, 79, 80, 81, 90, 91, 1023, 1024))) if chance.below(3) else (rules, address)


def _criteria(port: int) -> tuple[Criterion, ...]:
    twice: list[Plain] = [f"deny 10.0.0.0/8 {port}", "allow 172.16.0.0/12 1-80", f"deny 10.0.0.0/8 {port}"]
    return (
        Criterion(
            text='A rule is written like "allow 10.0.0.0/24 80-90", with one port or a range; all else is refused',
            function="read_rule",
            examples=(
                Example(
                    function="read_rule",
                    arguments=(f"allow 0.0.1.0/24 {port}",),
                    result={"action": "allow", "addresses": [256, 511], "ports": [port, port]},
                ),
                Example(
                    function="read_rule",
                    arguments=("deny 0.0.0.8/30 1-80",),
                    result={"action": "deny", "addresses": [8, 11], "ports": [1, 80]},
                ),
                Example(function="read_rule", arguments=("block 0.0.1.0/24 80",), error="ValueError"),
                Example(function="read_rule", arguments=("allow 0.0.1.0/24",), error="ValueError"),
            ),
        ),
        Criterion(
            text=f"Rules decide about each connection, on port {port} unless another is named; without a rule: denied",
            function="decide",
            examples=(
                Example(function="decide", arguments=([f"allow 10.0.0.0/24 {port}"], "10.0.0.9"), result="allow"),
                Example(function="decide", arguments=(["allow 10.0.0.0/24 80-90"], "10.0.0.9", 91), result="deny"),
                Example(function="decide", arguments=(["allow 10.0.0.0/24 80-90"], "10.0.1.0", 80), result="deny"),
                Example(function="decide", arguments=(["allow 10.0.0.0/24 80-90"], "10.0.0.255", 90), result="allow"),
            ),
        ),
        Criterion(
            text="Rules that repeat an earlier one are listed by number, so that somebody can clear them away",
            function="repeats",
            examples=(
                Example(function="repeats", arguments=(twice,), result=[3]),
                Example(function="repeats", arguments=(["allow 10.0.0.0/24 22", "deny 10.0.1.0/24 22"],), result=[]),
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `firewall_rules`."""
    one, many = v.theme.one, v.theme.many
    port = v.number_between("port", 1024, 9999)
    return Kata(
        domain="infra",
        title=f"Let only wanted connections through to the {one} machines",
        told=Told(
            vague=f"Anyone can connect to our {one} machines, and the list of rules is a mess nobody dares to touch.",
            plain=(
                f"A list of rules says who may connect to the {one} machines and who may not. We also want to see "
                "which rules merely repeat an earlier one."
            ),
            exact=(
                f"A rule for the {many} is three words: allow or deny, a network, and a port or a range of ports "
                "low-high that includes both ends. It is read into its action, the first and last address of its "
                "network as numbers, and its first and last port; anything else is a ValueError. A rule speaks of a "
                "connection whose address and port it holds. A connection that no rule speaks of is denied; a "
                f"connection that names no port is to port {port}. Rules that repeat an earlier one are listed by "
                "their numbers, counted from 1."
            ),
        ),
        criteria=_criteria(port),
        open_points=(_backwards(), _decides(), _repeated()),
        source=SOURCE.replace("PORT", str(port)),
        inputs={
            "read_rule": _text,
            "decide": lambda chance: _connection(chance, port),
            "repeats": lambda chance: (_rules(chance, port),),
        },
        points=3,
        specialization="security",
        tags=("infra", "networking", "security"),
        needs=("address_pool",),
    )
