#!/usr/bin/python3
"""The conformance vectors with Google's protobuf and pyzmq: runner.py PROTO_DIR VECTORS_DIR PROTOC, inside with_daemon.py.

Codec: every vector of wire/ is decoded, compared with its JSON, and encoded to the same bytes; so are the messages of the steps. Live:
every step of conformance/live.json is sent, and its answer compared with what the step expects. Format: conformance/make.py.
Every code of the .proto has a step, or a reason why not, and a line in docs/protocol.md.
"""
import base64
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import zmq
from google.protobuf import json_format

WAIT_MS = 20000
ENDPOINTS = {name: os.environ["BAOPHU_" + name.upper()] for name in ("ingest", "control", "query")}


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def plain(value):
    """Numbers as text, because protobuf's JSON writes the long ones so."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value if isinstance(value, bool) or value is None else str(value)


def to_json(message):
    return plain(json_format.MessageToDict(message, preserving_proto_field_name=True))


def check_codec(pb, name, kind, data, fields):
    message = getattr(pb, kind).FromString(data)
    check(to_json(message) == plain(fields), f"{name}: decoded as {to_json(message)}")
    check(json_format.ParseDict(fields, getattr(pb, kind)()).SerializeToString(deterministic=True) == data, f"{name}: encoded otherwise")


def matches(got, want):
    """Null is absence; what is not named may be anything."""
    if isinstance(want, dict):
        return isinstance(got, dict) and all(inner is None and key not in got or inner is not None and key in got and matches(got[key], inner)
                                             for key, inner in want.items())
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(matches(*pair) for pair in zip(got, want))
    return got == want


class Live:
    def __init__(self, pb):
        self.pb, self.context, self.connections, self.receipts = pb, zmq.Context(), {}, {}

    def connection(self, step):
        if step["from"] not in self.connections:
            socket = self.connections[step["from"]] = self.context.socket(zmq.DEALER)
            socket.linger, socket.rcvtimeo = 0, WAIT_MS
            socket.connect(ENDPOINTS[step["to"]])
        return self.connections[step["from"]]

    def bytes_of(self, step):
        if "release_of" not in step:
            return bytes.fromhex(step["hex"]) * step.get("repeat", 1)
        seq = self.pb.Receipt.FromString(self.receipts[step["release_of"]]).place.seq
        payload = self.pb.Payload(agent=step["from"], epoch=step["epoch"], number=step["number"])
        payload.entries.add().held.MergeFrom(self.pb.HeldDecision(seq=seq, release=True))
        update = self.pb.Update(epoch=step["epoch"], number=step["number"], payload=payload.SerializeToString())
        return self.pb.AgentMessage(update=update).SerializeToString()

    def nothing(self, step, socket):
        """The first answer is that to what is sent afterwards: a Beat without a session. It is sent until one comes through."""
        socket.send(self.bytes_of(step))
        for _ in range(WAIT_MS // 100):
            socket.send(self.pb.AgentMessage(beat=self.pb.Beat()).SerializeToString())
            if socket.poll(100):
                answer = self.pb.CollectorMessage.FromString(socket.recv())
                check(answer.turned.code == self.pb.CODE_EPOCH, f"{step['name']}: was answered: {answer}")
                return
        raise AssertionError(f"{step['name']}: the collector does not answer any more")

    def ask(self, step, socket):
        """The first answer that is not "later"."""
        wanted = json.dumps(step["expect"])
        while True:
            socket.send(self.bytes_of(step))
            answer = getattr(self.pb, step["expect"]["message"]).FromString(socket.recv())
            code = self.pb.Code.Name(answer.code if step["to"] == "query" else answer.not_now.code)
            if code not in ("CODE_BUSY", "CODE_INDEXING") or code in wanted:
                return answer
            time.sleep(0.01)

    def run(self, step):
        expect, socket = step["expect"], self.connection(step)
        if expect.get("nothing"):
            return self.nothing(step, socket)
        answer = self.ask(step, socket)
        got = to_json(answer)
        check(matches(got, plain(expect.get("fields", {}))), f"{step['name']}: {got}")
        if "receipt" in expect:
            check("receipts" in got, f"{step['name']}: no receipt: {got}")
            data = self.receipts[step["name"]] = answer.receipts.items[0].receipt
            receipt = to_json(self.pb.Receipt.FromString(data))
            check(matches(receipt, plain(expect["receipt"])), f"{step['name']}: {receipt}")
        if "same_as" in expect:
            check(data == self.receipts[expect["same_as"]], f"{step['name']}: another receipt")
        if "row" in expect:
            key = ("kind", "measure")
            rows = [row for record in got["records"] for row in record.get("rows", []) if all(row.get(k) == expect["row"][k] for k in key)]
            check(any(matches(row, plain(expect["row"])) for row in rows), f"{step['name']}: {rows}")


def main():
    proto_dir, vectors, protoc = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="baophu-") as generated:
        subprocess.run([protoc, "-I" + proto_dir, "--python_out=" + generated, "baophu/v1/baophu.proto"], check=True)
        sys.path.insert(0, generated)
        pb = importlib.import_module("baophu.v1.baophu_pb2")
    count = 0
    for path in sorted((vectors / "wire").glob("*.hex")):
        vector = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        check_codec(pb, path.stem, vector["message"], bytes.fromhex(path.read_text(encoding="ascii")), vector["fields"])
        count += 1
    live = json.loads((vectors / "conformance" / "live.json").read_text(encoding="utf-8"))
    codes = {name for name in pb.Code.keys() if f'"{name}"' not in json.dumps(live)}
    check(codes <= {"CODE_NONE"}, f"no step for {codes}")
    page = (pathlib.Path(proto_dir).parent / "docs" / "protocol.md").read_text(encoding="utf-8")
    unsaid = [name for name in pb.Code.keys() if f"\n| {name[5:]} |" not in page]
    check(not unsaid, f"docs/protocol.md does not say what {unsaid} means")
    collector = Live(pb)
    for step in live["steps"]:
        if "fields" in step:
            check_codec(pb, step["name"], step["message"], bytes.fromhex(step["hex"]), step["fields"])
        if "payload" in step and "fields" in step:
            check_codec(pb, step["name"], "Payload", base64.b64decode(step["fields"]["update"]["payload"]), step["payload"])
        collector.run(step)
    print(f"{count} vectors of messages, {len(live['steps'])} live steps")
    collector.context.destroy(linger=0)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, zmq.ZMQError) as error:
        sys.exit(f"runner.py: {error}")
