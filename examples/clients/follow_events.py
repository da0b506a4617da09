"""Follow a running simulation from a snapshot on, missing nothing: python follow_events.py RUN_FOLDER [COUNT]"""

import json
import sys
import uuid
from pathlib import Path

import msgpack
import zmq

live = json.loads((Path(sys.argv[1]) / ".live" / "run.json").read_text())
left = int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize
context = zmq.Context()
requests, events = context.socket(zmq.DEALER), context.socket(zmq.SUB)
requests.connect(live["endpoints"]["clients"])
events.connect(live["endpoints"]["events"])


def take_snapshot() -> int:
    """Be subscribed for certain, then say which event is the last that the snapshot contains."""
    sync = f"sync/{uuid.uuid4().hex}".encode()
    events.subscribe(b"event.")
    events.subscribe(sync)  # last: when it comes back, the other is in force
    while events.recv_multipart()[0] != sync:
        pass  # what passes by is in the snapshot
    head = {"v": 1, "token": live["token"], "client": "follow_events", "id": uuid.uuid4().hex}
    requests.send_multipart([b"", msgpack.packb({**head, "command": "snapshot"})])
    return msgpack.unpackb(requests.recv_multipart()[1])["seq"]


seen = take_snapshot()
while left > 0:
    topic, payload = events.recv_multipart()
    event = msgpack.unpackb(payload) if topic.startswith(b"event.") else {"seq": 0}
    if event["seq"] > seen + 1:  # this client was too slow, or the hub was restarted
        seen = take_snapshot()
    elif event["seq"] == seen + 1:
        seen, left = event["seq"], left - 1
        print(event["seq"], event["time_us"], event["src"], event["kind"], event["body"], flush=True)
