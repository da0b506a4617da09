"""Hold a running simulation, let it go on for a simulated day, release it: python pause_step_resume.py RUN_FOLDER"""

import json
import sys
import uuid
from pathlib import Path

import msgpack
import zmq

live = json.loads((Path(sys.argv[1]) / ".live" / "run.json").read_text())
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.connect(live["endpoints"]["clients"])


def ask(command: str, **fields: object) -> dict:
    """Send one request and return its reply."""
    head = {"v": 1, "token": live["token"], "client": "pause_step_resume", "id": uuid.uuid4().hex}
    socket.send_multipart([b"", msgpack.packb({**head, "command": command, **fields})])
    if not socket.poll(10_000):
        sys.exit("the hub does not answer")
    reply = msgpack.unpackb(socket.recv_multipart()[1])
    if not reply["ok"]:
        sys.exit(f"{command} was refused: {reply['reason']}")
    return {key: value for key, value in reply.items() if key not in ("v", "id", "ok")}


print("pause ", ask("pause"))
print("step  ", ask("step", until="day"))
print("status", ask("status"))
print("resume", ask("resume"))
context.destroy(linger=0)
