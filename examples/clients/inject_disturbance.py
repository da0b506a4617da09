"""Disturb a running simulation: python inject_disturbance.py RUN_FOLDER TYPE [STORY_ID] [SEVERITY 1-4] [AT_US]"""

import json
import sys
import uuid
from pathlib import Path

import msgpack
import zmq

live = json.loads((Path(sys.argv[1]) / ".live" / "run.json").read_text())
arguments = dict(zip(("type", "story_id", "severity", "at_us"), sys.argv[2:], strict=False))
disturbance: dict = {"type": arguments["type"]}
if arguments.get("story_id"):
    disturbance["story_id"] = arguments["story_id"]
if "severity" in arguments:
    disturbance["severity"] = int(arguments["severity"])
request = {"v": 1, "token": live["token"], "client": "inject_disturbance", "id": uuid.uuid4().hex}
request |= {"command": "inject", "disturbance": disturbance}
if "at_us" in arguments:
    request["at_us"] = int(arguments["at_us"])

socket = zmq.Context.instance().socket(zmq.DEALER)
socket.linger = 0
socket.connect(live["endpoints"]["clients"])
for _ in range(3):  # the same id again is the same disturbance, so it is safe to repeat
    socket.send_multipart([b"", msgpack.packb(request)])
    if socket.poll(5_000):
        break
else:
    sys.exit("the hub does not answer")
reply = msgpack.unpackb(socket.recv_multipart()[1])
if not reply["ok"]:
    sys.exit(f"{reply['error']}: {reply['reason']}; allowed: {', '.join(reply['allowed']) or 'nothing else'}")
print(f"journalled as command {reply['number']}, takes effect at {reply['at_us']} us")
