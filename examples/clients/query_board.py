"""Ask a running simulation for its state and print it: python query_board.py RUN_FOLDER"""

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
    head = {"v": 1, "token": live["token"], "client": "query_board", "id": uuid.uuid4().hex}
    socket.send_multipart([b"", msgpack.packb({**head, "command": command, **fields})])
    if not socket.poll(10_000):
        sys.exit("the hub does not answer")
    reply = msgpack.unpackb(socket.recv_multipart()[1])
    if not reply["ok"]:
        sys.exit(f"{reply['error']}: {reply['reason']}")
    return reply


print(json.dumps({"status": ask("status"), "snapshot": ask("snapshot")}, indent=2, default=repr))
context.destroy(linger=0)
