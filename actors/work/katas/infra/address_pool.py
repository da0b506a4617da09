"""Networks and their addresses: numbers for comparison, the range of a network, routes, and the next free address."""

from __future__ import annotations

from actors.work.katas.kata import Alternative, Chance, Criterion, Example, Kata, OpenPoint, Told, Variant
from actors.work.sandbox.plain import Plain

SOURCE = '''"""Addresses such as 10.0.0.7 and networks such as 10.0.0.0/24."""

FALLBACK = "NAMED"


def address_number(text):
    """An address as a number, so that addresses can be compared. Raises ValueError if it is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise ValueError(f"not an address: {text!r}")
    number = 0
    for part in parts:
        number = number * 256 + int(part)
    return number


def network_range(text):
    """The first and the last address of a network, as numbers. Raises ValueError if it is none."""
    address, slash, bits = text.partition("/")
    if not slash or not bits.isdecimal() or int(bits) > 32:
        raise ValueError(f"not a network: {text!r}")
    first, size = address_number(address), 2 ** (32 - int(bits))
    <<inside>>
    return [first, first + size - 1]


def route(routes, address):
    """Where packets to an address go: {network: target}, the smallest network that holds it decides."""
    number = address_number(address)
    fitting = [network for network in routes if _holds(network, number)]
    if not fitting:
        <<nowhere>>
    return routes[min(fitting, key=_size)]


def free_address(taken, network="10.OCTET.0.0/26"):
    """The lowest free address of a network. Raises LookupError if all are taken."""
    first, last = network_range(network)
    used = [address_number(one) for one in taken]
    for number in <<usable>>:
        if number not in used:
            return _address(number)
    raise LookupError(f"{network} is full")


def _holds(network, number):
    first, last = network_range(network)
    return first <= number <= last


def _size(network):
    first, last = network_range(network)
    return last - first


def _address(number):
    return ".".join(str(number // 256**place % 256) for place in (3, 2, 1, 0))
'''


def _inside() -> OpenPoint:
    def ranged(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        example = Example(function="network_range", arguments=("0.0.1.5/24",), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"inside": code}, examples=(example,))

    return OpenPoint(
        criterion=2,
        topic="format",
        question="What if a network is written with an address from its middle, such as 10.0.0.5/24?",
        alternatives=(
            ranged("whole", "Then the whole network around it is meant.", "first -= first % size", [256, 511]),
            ranged(
                "mistake",
                "That is a typing mistake and is refused.",
                'if first % size:\n    raise ValueError(f"{address} is not where a network begins")',
                error="ValueError",
            ),
            ranged("alone", "Then only that one address is meant.", "if first % size:\n    size = 1", [261, 261]),
            ranged(
                "onwards",
                "Then it means the rest of the network, from that address to its end.",
                "size -= first % size",
                [261, 511],
            ),
        ),
    )


def _nowhere(fallback: str) -> OpenPoint:
    def routed(name: str, answer: str, code: str, result: Plain = None, error: str = "") -> Alternative:
        routes: Plain = {"10.1.0.0/16": "lab", "10.0.0.0/8": "core"}
        example = Example(function="route", arguments=(routes, "192.168.0.1"), result=result, error=error)
        return Alternative(name=name, answer=answer, code={"nowhere": code}, examples=(example,))

    return OpenPoint(
        criterion=3,
        topic="errors",
        question="Where do packets go if no network holds the address?",
        alternatives=(
            routed(
                "refused",
                "Nowhere, they are refused: LookupError.",
                'raise LookupError(f"no route to {address}")',
                error="LookupError",
            ),
            routed("dropped", "They are dropped without a word: there is no target.", "return None", None),
            routed("named", f'They go to "{fallback}".', "return FALLBACK", fallback),
            routed(
                "largest",
                "They go where the largest of our networks goes.",
                "return routes[max(routes, key=_size)]",
                "core",
            ),
        ),
    )


def _usable() -> OpenPoint:
    middle: list[Plain] = [f"10.0.0.{number}" for number in range(1, 7)]

    def given(name: str, answer: str, code: str, lowest: str, leftover: str | None) -> Alternative:
        full = Example(
            function="free_address",
            arguments=(middle, "10.0.0.0/29"),
            result=leftover,
            error="" if leftover else "LookupError",
        )
        empty = Example(function="free_address", arguments=([], "10.0.0.0/29"), result=lowest)
        return Alternative(name=name, answer=answer, code={"usable": code}, examples=(empty, full))

    return OpenPoint(
        criterion=4,
        topic="limits",
        question="Are there addresses in a network that we never give out?",
        alternatives=(
            given("ends", "The first and the last.", "range(first + 1, last)", "10.0.0.1", None),
            given("none", "No, each can be given out.", "range(first, last + 1)", "10.0.0.0", "10.0.0.0"),
            given("first", "Only the first.", "range(first + 1, last + 1)", "10.0.0.1", "10.0.0.7"),
            given(
                "gateway",
                "The first, the one after it, where the gateway lives, and the last.",
                "range(first + 2, last)",
                "10.0.0.2",
                None,
            ),
        ),
    )


def _address(chance: Chance) -> str:
    parts = [chance.pick((0, 1, 9, 10, 99, 127, 200, 255)) for _ in range(4)]
    if chance.below(6) == 0:
        parts[chance.below(4)] = 256
    text = ".".join(map(str, parts))
    return text if chance.below(6) else chance.pick((text + ".1", text + "x", text.rpartition(".")[0], ""))


def _network(chance: Chance) -> tuple[Plain, ...]:
    if chance.below(5) == 0:
        return (chance.pick(("10.0.0.0", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/24")),)
    return (chance.pick(("10.0.0.0/32", "10.4.0.0/14", "10.0.7.9/24", "10.9.8.0/25", "0.0.0.0/0", "10.3.3.3/30")),)


_ROUTES = ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "172.16.0.0/12")


def _routed(chance: Chance) -> tuple[Plain, ...]:
    routes: dict[str, Plain] = {network: f"gate-{at}" for at, network in enumerate(_ROUTES) if chance.below(3)}
    routes["192.168.4.0/22"] = "home"
    fourth = chance.pick((0, 127, 128, 255))
    start = chance.pick(("10.1.2", "10.1.3", "10.2.0", "9.255.255", "172.31.255", "172.32.0", "192.168.7"))
    return (routes, f"{start}.{fourth}")


def _free(chance: Chance) -> tuple[Plain, ...]:
    bits = chance.pick((28, 29, 30))
    start = 64 * chance.below(3)
    size = 2 ** (32 - bits)
    taken: list[Plain] = [f"10.7.0.{start + at}" for at in range(size) if chance.below(8)]
    return (taken, f"10.7.0.{start}/{bits}")


def _criteria(octet: int) -> tuple[Criterion, ...]:
    return (_numbers(octet), _ranges(octet), _routes(octet), _free_ones(octet))


def _numbers(octet: int) -> Criterion:
    return Criterion(
        text="Addresses can be compared as numbers; what is not an address is refused",
        function="address_number",
        examples=(
            Example(function="address_number", arguments=("0.0.1.2",), result=258),
            Example(function="address_number", arguments=(f"10.{octet}.0.0",), result=167772160 + octet * 65536),
            Example(function="address_number", arguments=("10.0.0.256",), error="ValueError"),
            Example(function="address_number", arguments=("10.0.0",), error="ValueError"),
        ),
    )


def _ranges(octet: int) -> Criterion:
    home = f"10.{octet}.0.0/16"
    return Criterion(
        text=f"The first and the last address of a network such as {home} are known; other texts are refused",
        function="network_range",
        examples=(
            Example(function="network_range", arguments=("0.0.1.0/24",), result=[256, 511]),
            Example(function="network_range", arguments=("0.0.0.7/32",), result=[7, 7]),
            Example(function="network_range", arguments=("10.0.0.0/33",), error="ValueError"),
            Example(function="network_range", arguments=("10.0.0.0",), error="ValueError"),
        ),
    )


def _routes(octet: int) -> Criterion:
    home = f"10.{octet}.0.0/16"
    return Criterion(
        text="Packets go to the target of the smallest network that holds their address",
        function="route",
        examples=(
            Example(
                function="route",
                arguments=({"10.0.0.0/8": "core", home: "lab"}, f"10.{octet}.3.4"),
                result="lab",
            ),
            Example(
                function="route",
                arguments=({home: "lab", "10.0.0.0/8": "core"}, f"10.{octet + 1}.0.0"),
                result="core",
            ),
            Example(function="route", arguments=({home: "lab"}, f"10.{octet}.0.0"), result="lab"),
            Example(function="route", arguments=({home: "lab"}, f"10.{octet}.255.255"), result="lab"),
        ),
    )


def _free_ones(octet: int) -> Criterion:
    return Criterion(
        text="A new machine gets the lowest free address of its network; a full network is refused",
        function="free_address",
        examples=(
            Example(
                function="free_address",
                arguments=(["10.0.0.1", "10.0.0.0", "10.0.0.2", "10.0.0.3", "10.0.0.5"], "10.0.0.0/28"),
                result="10.0.0.4",
            ),
            Example(
                function="free_address",
                arguments=([f"10.{octet}.0.{fourth}" for fourth in range(10)],),
                result=f"10.{octet}.0.10",
            ),
            Example(
                function="free_address",
                arguments=(["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"], "10.0.0.4/30"),
                error="LookupError",
            ),
        ),
    )


def make(v: Variant) -> Kata:
    """The family `address_pool`."""
    one, many = v.theme.one, v.theme.many
    octet = v.number_between("octet", 2, 250)
    fallback = v.pick("fallback", ("uplink", "border", "transit", "outside", "provider", "exit")) + f"-{octet}"
    return Kata(
        domain="infra",
        title=f"Give the {one} machines addresses and route to them",
        told=Told(
            vague=f"Two {one} machines had the same address again and nobody could reach the {many}.",
            plain=(
                f"The {one} machines live in networks of ours. We want to know which addresses a network has, where "
                "packets to an address go, and which address a new machine gets."
            ),
            exact=(
                f"The {one} machines have addresses of four numbers below 256. As one number an address counts in base "
                "256; a network is written as address/bits with 0 to 32 bits and holds 2^(32-bits) addresses, given as "
                "the numbers of the first and last. Texts that are neither are refused (ValueError). Of all "
                "networks in a routing table that hold an address the smallest decides where its packets go. A new "
                f"machine gets the lowest address that nobody has of its network, which is 10.{octet}.0.0/26 unless "
                "another is named; a full network is a LookupError."
            ),
        ),
        criteria=_criteria(octet),
        open_points=(_inside(), _nowhere(fallback), _usable()),
        source=SOURCE.replace("NAMED", fallback).replace("OCTET", str(octet)),
        inputs={
            "address_number": lambda chance: (_address(chance),),
            "network_range": _network,
            "route": _routed,
            "free_address": _free,
        },
        points=5,
        specialization="networking",
        tags=("infra", "networking"),
    )
