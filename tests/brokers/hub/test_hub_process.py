from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
import zmq

from brokers.hub.feed import HubFeed, event_payload
from brokers.hub.live import LiveDirectory, listen_on
from brokers.processes import start_child, stop_children
from tests.brokers.hub.conftest import WITHIN_MS, Client, HubProcess, until
from tests.brokers.hub.scripted_run import ScriptedRun


def subscriber(context: zmq.Context[Any], hub: HubProcess) -> zmq.Socket[Any]:
    socket: zmq.Socket[Any] = context.socket(zmq.SUB)
    socket.rcvtimeo = WITHIN_MS
    socket.rcvhwm = 0
    socket.connect(hub.live.endpoints.events[0])
    return socket


def join(socket: zmq.Socket[Any], client: Client) -> int:
    sync = f"sync/{uuid.uuid4().hex}".encode()
    socket.subscribe(b"event.")
    socket.subscribe(sync)
    while socket.recv_multipart()[0] != sync:
        pass
    seq = client.ask("snapshot")["seq"]
    assert isinstance(seq, int)
    return seq


def page(hub: HubProcess, path: str = "/metrics", method: str = "GET") -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{hub.port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def measure(hub: HubProcess, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", page(hub), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_query_reaches_the_run_and_its_answer_the_client(client: Client, run: ScriptedRun) -> None:
    answer = client.ask("snapshot", id="q-1")

    assert answer == {"v": 1, "id": "q-1", "ok": True, "seq": 0, "boards": {"team-1": {"ready": ["S-1"]}}}
    assert run.commands[-1].client == "tester"
    assert run.commands[-1].body == {"command": "snapshot"}


def test_each_client_gets_its_own_answers(client: Client, hub: HubProcess, context: zmq.Context[Any]) -> None:
    others = [Client(context, hub.live.endpoints.clients[0], hub.live.token, f"c{n}") for n in range(20)]
    for n, other in enumerate(others):
        other.send("status", id=f"id-{n}")
    assert [other.receive()["id"] for other in others] == [f"id-{n}" for n in range(20)]


def test_a_repeated_command_is_carried_out_once_and_answered_alike(client: Client, run: ScriptedRun) -> None:
    wanted = {"disturbance": {"type": "flaky_test", "severity": 2}, "at_us": 70_000}
    first = client.ask("inject", id="i-1", **wanted)
    assert first == {"v": 1, "id": "i-1", "ok": True, "at_us": 70_000, "number": 1}

    assert client.ask("inject", id="i-1", **wanted) == first
    assert client.ask("inject", id="i-1", disturbance={"type": "scope_creep"})["error"] == "id_reused"
    assert [command.body["command"] for command in run.commands].count("inject") == 1


def test_a_refusal_of_the_run_reaches_the_client(client: Client) -> None:
    answer = client.ask("inject", disturbance={"type": "flaky_test"}, at_us=1)
    assert (answer["ok"], answer["error"]) == (False, "too_late")


def test_what_the_run_allows_is_checked_at_the_door(client: Client, run: ScriptedRun) -> None:
    answer = client.ask("inject", disturbance={"type": "flaky_tets"})
    assert answer["error"] == "bad_value"
    assert "did you mean 'flaky_test'?" in answer["reason"]
    assert answer["allowed"] == ["flaky_test", "scope_creep"]
    assert all(command.body["command"] != "inject" for command in run.commands)


def test_without_the_token_nothing_is_answered_but_a_refusal(
    client: Client, hub: HubProcess, context: zmq.Context[Any]
) -> None:
    stranger = Client(context, hub.live.endpoints.clients[0], "wrong")
    assert stranger.ask("status")["error"] == "unauthorized"
    assert measure(hub, 'hub_refused_total{reason="unauthorized"}') == 1


def test_joining_late_loses_no_event_while_events_flow(
    client: Client, hub: HubProcess, run: ScriptedRun, context: zmq.Context[Any]
) -> None:
    run.publish(500)
    socket = subscriber(context, hub)
    run.publish(500)
    seen = join(socket, client)
    run.publish(500)
    client.ask("inject", disturbance={"type": "flaky_test"})  # the last event, number 1501
    while seen < 1501:
        topic, payload = socket.recv_multipart()
        event = msgpack.unpackb(payload)
        assert topic == b"event.story.moved/1"
        if event["seq"] <= seen:
            continue
        assert event["seq"] == seen + 1
        seen += 1
    assert event == {
        "seq": 1501,
        "time_us": 15010,
        "src": "board/team-1",
        "kind": "story.moved/1",
        "cause": "",
        "body": {"kind": "story.moved/1", "n": 1501},
    }
    assert measure(hub, "hub_missing_events_total") == 0


def test_a_sync_token_comes_back_to_its_subscriber_only(
    client: Client, hub: HubProcess, run: ScriptedRun, context: zmq.Context[Any]
) -> None:
    first, second = subscriber(context, hub), subscriber(context, hub)
    join(first, client)
    join(second, client)
    run.publish(1)
    assert first.recv_multipart()[0] == b"event.story.moved/1"


def test_a_sync_token_that_somebody_used_before_works_again(
    client: Client, hub: HubProcess, context: zmq.Context[Any]
) -> None:
    first, second = subscriber(context, hub), subscriber(context, hub)
    for socket in (first, second):
        socket.subscribe(b"sync/the-same")
        assert socket.recv_multipart() == [b"sync/the-same", b""]


def test_a_killed_hub_comes_back_on_the_same_port_and_the_run_greets_it(
    client: Client, hub: HubProcess, run: ScriptedRun, context: zmq.Context[Any]
) -> None:
    answer = client.ask("inject", id="before", disturbance={"type": "flaky_test"})
    port = hub.port
    hub.kill()
    hub.restart()

    assert client.ask_until_connected("status")["ok"]
    assert client.ask("inject", id="before", disturbance={"type": "flaky_test"}) == answer
    assert [command.body["command"] for command in run.commands].count("inject") == 1, "done once over two hubs"
    assert hub.port == port
    assert "sprint_velocity 21.0" in page(hub), "the last sample was sent again"
    socket = subscriber(context, hub)
    join(socket, client)
    run.publish(1)
    assert socket.recv_multipart()[0] == b"event.story.moved/1"


def test_a_command_under_way_when_the_hub_dies_is_answered_when_asked_again(
    client: Client, hub: HubProcess, run: ScriptedRun
) -> None:
    run.holds.set()
    client.send("step", id="s-1", until="day")
    client.send("status")  # behind it in the same pipe, so once it is counted the step was forwarded
    until(lambda: measure(hub, "hub_waiting") >= 2)
    until(lambda: [command.body["command"] for command in run.held[:1]] == ["step"])
    hub.kill()
    hub.restart()
    until(lambda: measure(hub, "hub_feed_connected") >= 1)
    client.send("step", id="s-1", until="day")
    until(lambda: measure(hub, "hub_waiting") >= 1)
    run.answer_held()
    assert client.receive() == {"v": 1, "id": "s-1", "ok": True, "time_us": 50_000}
    assert [command.body["command"] for command in run.commands].count("step") == 1


def test_a_hub_without_a_run_says_so(hub: HubProcess, context: zmq.Context[Any]) -> None:
    client = Client(context, hub.live.endpoints.clients[0], hub.live.token)
    assert client.ask("status")["error"] == "unavailable"
    assert page(hub, "/health") == '{"hub":"ok","simulation":"absent"}\n'


def test_a_run_that_left_is_noticed_by_the_next_request(hub: HubProcess, context: zmq.Context[Any]) -> None:
    client = Client(context, hub.live.endpoints.clients[0], hub.live.token)
    with ScriptedRun(hub.live.endpoints.feed):
        client.ask_until_connected("status")
    until(lambda: client.ask("pause").get("error") == "unavailable")


def test_the_metrics_page_has_the_hubs_counts_and_the_runs_sample(client: Client, hub: HubProcess) -> None:
    text = page(hub)
    assert 'hub_requests_total{command="status"}' in text
    assert "sprint_velocity 21.0" in text
    assert "hub_process_resident_memory_bytes" in text
    assert page(hub, method="HEAD") == ""
    assert page(hub, "/health", method="HEAD") == ""
    with pytest.raises(urllib.error.HTTPError) as caught:
        page(hub, "/secrets")
    assert caught.value.code == 404
    caught.value.close()


def test_a_stopped_hub_is_gone_within_a_second_and_removes_its_sockets(hub: HubProcess, client: Client) -> None:
    started = time.monotonic()
    assert hub.stop() == 0
    assert time.monotonic() - started < 1.0
    assert list(hub.live.sockets.iterdir()) == []


def test_a_hub_dies_with_its_parent(hub: HubProcess, tmp_path: Path) -> None:
    hub.stop()
    script = (
        "import os, subprocess, sys\n"
        "from brokers.processes import start_child\n"
        "live = sys.argv[1]\n"
        "argv = [sys.executable, '-m', 'brokers.hub', '--live', live, '--port', '0', '--parent', str(os.getpid())]\n"
        "child = start_child(argv, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", script, str(hub.live.folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(10)
    assert not child.is_running()


def test_the_private_folder_and_the_token_are_for_the_owner_only(hub: HubProcess) -> None:
    assert stat.S_IMODE(hub.live.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE((hub.live.folder / "run.json").stat().st_mode) == 0o600


def test_garbage_at_full_speed_costs_no_memory_and_no_client_its_answer(
    client: Client, hub: HubProcess, context: zmq.Context[Any]
) -> None:
    endpoint = hub.live.endpoints.clients[0]
    loud: zmq.Socket[Any] = context.socket(zmq.DEALER)
    loud.linger = 0
    loud.connect(endpoint)
    unknown = msgpack.packb(
        {"v": 1, "token": hub.live.token, "client": "loud", "id": "x", "command": "board.pull_story/1"}
    )
    nested = b"\x91" * 5000 + b"\xc0"
    volleys: list[list[bytes]] = [
        [b"not even framed"],
        [b"", b"\xc1 no msgpack"],
        [b"", os.urandom(300)],
        [b"", nested],
        [b"", unknown],
        [b"", b"\xdd\xff\xff\xff\xff"],
        [b"", b"z" * 200_000],
        [b""] * 200,
    ]
    process = psutil.Process(hub.child.pid)
    before_mib = _shoot(loud, volleys, client, process, for_s=0.5)
    after_mib = _shoot(loud, volleys, client, process, for_s=1.5)

    assert after_mib - before_mib < 24
    for reason in ("framing", "malformed", "too_large", "unknown_command"):
        assert measure(hub, f'hub_refused_total{{reason="{reason}"}}') > 20


def _shoot(
    loud: zmq.Socket[Any], volleys: list[list[bytes]], client: Client, process: psutil.Process, *, for_s: float
) -> float:
    """Send as fast as the hub takes it, asking in between as an honest client; the hub's memory afterwards."""
    until = time.monotonic() + for_s
    n = 0
    while time.monotonic() < until:
        n += 1
        try:
            loud.send_multipart(volleys[n % len(volleys)], zmq.NOBLOCK)
        except zmq.Again:
            loud.poll(10, zmq.POLLOUT)
        while loud.poll(0):
            loud.recv_multipart()
        if n % 50 == 0:
            assert client.ask("status")["ok"]
    return float(process.memory_info().rss) / 2**20


def test_a_message_beyond_the_limit_cuts_its_sender_off_and_nobody_else(
    client: Client, hub: HubProcess, context: zmq.Context[Any]
) -> None:
    rude: zmq.Socket[Any] = context.socket(zmq.DEALER)
    rude.linger = 0
    rude.connect(hub.live.endpoints.clients[0])
    monitor = rude.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    rude.send_multipart([b"", b"x" * (1024 * 1024 + 1)])
    assert monitor.poll(WITHIN_MS), "the sender was not cut off"
    assert client.ask("status")["ok"]
    rude.disable_monitor()


def test_a_feed_never_blocks_the_run_and_counts_what_it_drops(tmp_path: Path, context: zmq.Context[Any]) -> None:
    feed = HubFeed(context, f"ipc://{tmp_path}/nobody")
    payload = event_payload(seq=1, time_us=1, src="a", kind="k/1", cause="", body={})
    started = time.monotonic()
    for seq in range(10_000):
        feed.publish(seq, "event.k/1", payload)
        feed.reply(seq.to_bytes(8, "big"), {"ok": True})
    feed.flush()
    assert time.monotonic() - started < 5
    assert feed.dropped_events == 10_000
    assert feed.dropped_replies == 10_000 - 1024
    feed.close()


def test_events_dropped_before_the_hub_are_known_to_it(hub: HubProcess, context: zmq.Context[Any]) -> None:
    feed = HubFeed(context, hub.live.endpoints.feed)
    feed.hello({})
    while measure(hub, "hub_feed_connected") < 1:
        feed.poll()
    for seq in (1, 2, 5):
        feed.publish(seq, "event.k/1", b"\x80")
    feed.flush()
    until(lambda: measure(hub, "hub_events_total") >= 3)
    assert measure(hub, "hub_missing_events_total") == 2
    feed.close()


def test_a_reader_that_sleeps_sees_its_gap_and_holds_up_nobody(
    client: Client, hub: HubProcess, run: ScriptedRun, context: zmq.Context[Any]
) -> None:
    sleeper: zmq.Socket[Any] = context.socket(zmq.SUB)
    sleeper.rcvtimeo = WITHIN_MS
    sleeper.rcvhwm = 1
    sleeper.connect(hub.live.endpoints.events[0])
    seen = join(sleeper, client)
    last = 0
    for _ in range(40):
        run.publish(1000)
        last = client.ask("snapshot")["seq"]
    assert last > 30_000, "the run went on"
    received: list[int] = []
    while not received or received[-1] <= last:  # reads what was kept for it, and then an event of now
        if not sleeper.poll(20):
            run.publish(1)
            continue
        received.append(msgpack.unpackb(sleeper.recv_multipart()[1])["seq"])

    assert received == sorted(set(received)), "in order, nothing twice"
    assert received[0] == seen + 1
    assert received[-1] - seen > len(received), "what was lost shows in seq"
    assert join(sleeper, client) >= last, "and the reader can join again"


def test_the_hub_also_serves_tcp_on_loopback(tmp_path: Path, context: zmq.Context[Any]) -> None:
    with listen_on(0) as first, listen_on(0) as second:
        ports = (first.getsockname()[1], second.getsockname()[1])
    live = LiveDirectory(tmp_path, runtime_folder=tmp_path, tcp=ports)
    live.write(pids={}, metrics_port=0, run_name="r")
    argv = [sys.executable, "-m", "brokers.hub", "--live", str(live.folder), "--port", "0"]
    child = start_child(argv, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as said, ScriptedRun(live.endpoints.feed):
        assert said.readline().startswith(b"hub: ready")
        assert Client(context, live.endpoints.clients[1], live.token).ask_until_connected("status")["ok"]
        assert Client(context, live.endpoints.clients[1], "wrong").ask("status")["error"] == "unauthorized"
    assert stop_children([child]) == [0]
    live.remove()


def test_a_hub_without_a_live_run_ends_with_a_sentence(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "brokers.hub", "--live", str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"hub: no run is live in {tmp_path}")
