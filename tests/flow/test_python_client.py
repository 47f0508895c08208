#!/usr/bin/python3
"""A client that is not ours: pyzmq and protobuf's own Python, generated from baophu.proto alone.

test_python_client.py BAOPHUD PROTO_DIR [PROTOC]

Starts the real daemon on a temporary directory and does what the head of the .proto says: a session at the control endpoint sets up
units, an agent and a grant; the agent pushes an update, gets its receipt, repeats it and gets the same bytes, also over a new connection
and after kill -9; a subscriber joins, holds a snapshot that a seal proves, follows an update and is proved again; a number used twice
for different payloads is a fork. Exits 0, or 1 with what was wrong.
"""
import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import zmq

TIMEOUT_MS = 20000
MASK = (1 << 64) - 1
checks = 0


def check(condition, text):
    global checks
    checks += 1
    if not condition:
        raise AssertionError(text)


def mix64(unit, version):
    """As the comment under message Seal has it."""
    x = (unit * 0x9E3779B97F4A7C15 + version) & MASK
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


class Daemon:
    """The real one, on ports of its own choice; ready when it says so to the socket that systemd would give it."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.process = None

    def start(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(self.directory, "notify")
        if os.path.exists(path):
            os.unlink(path)
        notify.bind(path)
        notify.settimeout(TIMEOUT_MS / 1000)
        self.control = "ipc://" + os.path.join(self.directory, "control")
        endpoints = os.path.join(self.directory, "endpoints")
        arguments = [self.program, "--data-dir", os.path.join(self.directory, "data"), "--endpoints-file", endpoints]
        for name in ("ingest", "query", "publish"):
            arguments += ["--" + name, "tcp://127.0.0.1:*"]
        self.process = subprocess.Popen(arguments + ["--control", self.control], env=dict(os.environ, NOTIFY_SOCKET=path))
        while b"READY=1" not in notify.recv(4096):
            pass
        notify.close()
        with open(endpoints, encoding="ascii") as file:
            bound = dict(line.replace("=", " ").replace('"', "").split() for line in file if line.strip())
        self.ingest, self.query, self.publish = bound["ingest"], bound["query"], bound["publish"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(TIMEOUT_MS / 1000)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode if self.process else None


class Peer:
    """A DEALER socket that sends one kind of message and gets another."""

    def __init__(self, context, endpoint, answer):
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvtimeo = TIMEOUT_MS
        self.socket.connect(endpoint)
        self.answer = answer

    def send(self, message):
        self.socket.send(message if isinstance(message, bytes) else message.SerializeToString())

    def receive(self):
        frames = self.socket.recv_multipart()
        check(len(frames) == 1, "an answer is one frame")
        return self.answer.FromString(frames[0])

    def call(self, message):
        self.send(message)
        return self.receive()


class Session:
    """Hello, then updates with dense numbers."""

    def __init__(self, pb, context, endpoint, agent, epoch=0, last=None):
        self.pb, self.agent = pb, agent
        self.peer = Peer(context, endpoint, pb.CollectorMessage)
        hello = pb.AgentMessage()
        hello.hello.protocol, hello.hello.agent, hello.hello.epoch = 1, agent, epoch
        if last is not None:
            hello.hello.last.CopyFrom(last)
        answer = self.peer.call(hello)
        check(answer.WhichOneof("body") == "welcome", f"{agent}: not welcome: {answer}")
        self.welcome = answer.welcome
        self.epoch, self.next = self.welcome.epoch, self.welcome.next
        check(len(self.welcome.store) == 16 and self.epoch and self.next and self.welcome.credit_bytes >= 65536, str(self.welcome))

    def payload(self, number, entries):
        return self.pb.Payload(agent=self.agent, epoch=self.epoch, number=number, entries=entries).SerializeToString()

    def answer_to(self, number, payload, want_effect=False):
        """The first answer that is not "wait": (CollectorMessage, bytes of the receipt or None)."""
        message = self.pb.AgentMessage()
        message.update.epoch, message.update.number, message.update.payload = self.epoch, number, payload
        message.update.want_effect = want_effect
        for _ in range(200):
            answer = self.peer.call(message)
            if answer.WhichOneof("body") == "not_now" and answer.not_now.code in (self.pb.CODE_BUSY, self.pb.CODE_INDEXING):
                time.sleep(max(answer.not_now.retry_after_ms, 1) / 1000)
                continue
            break
        if answer.WhichOneof("body") != "receipts":
            return answer, None
        check(len(answer.receipts.items) == 1, "one update, one receipt")
        return answer, answer.receipts.items[0].receipt

    def push(self, entries, want_effect=False):
        """Applied or an error: (number, payload, Receipt, receipt bytes, item)."""
        number, payload = self.next, self.payload(self.next, entries)
        answer, receipt_bytes = self.answer_to(number, payload, want_effect)
        check(receipt_bytes is not None, f"no receipt: {answer}")
        receipt = self.pb.Receipt.FromString(receipt_bytes)
        check(receipt.verdict == self.pb.VERDICT_APPLIED, f"not applied: {receipt}")
        check((receipt.agent, receipt.epoch, receipt.number) == (self.agent, self.epoch, number), f"another's receipt: {receipt}")
        check(receipt.place.seq > 0 and len(receipt.place.digest) == 32, str(receipt.place))
        self.next += 1
        return number, payload, receipt, receipt_bytes, answer.receipts.items[0]


class Subscriber:
    """Holds unit -> version below a prefix, by the rules at the head of the .proto."""

    def __init__(self, pb, context, daemon, path, depth):
        self.pb, self.depth = pb, depth
        self.unit, self.levels = path.split("/")[-1], depth - path.count("/")
        self.socket = context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvtimeo = TIMEOUT_MS
        self.coverage, self.seals = f"coverage/{depth}/{path}/".encode(), f"seal/{depth}/{path}/~".encode()
        self.socket.subscribe(self.coverage)
        self.socket.subscribe(self.seals)
        self.socket.connect(daemon.publish)
        self.query = Peer(context, daemon.query, pb.Answer)
        self.held, self.records = {}, {}
        self.waiting = []

    def receive(self):
        topic, body = self.socket.recv_multipart()
        if topic == self.seals:
            return self.pb.Seal.FromString(body)
        check(topic.startswith(self.coverage), f"not subscribed: {topic}")
        record = self.pb.CoverageRecord.FromString(body)
        check(record.depth == self.depth, f"{record.unit} at depth {record.depth}")
        return record

    def apply(self, record):
        held = self.held.get(record.unit_number, 0)
        if record.version <= held:
            return
        check(record.previous <= held, f"{record.unit}: version {record.previous} was missed")
        self.held[record.unit_number] = record.version
        self.records[record.unit] = record
        if record.tombstone:
            del self.held[record.unit_number], self.records[record.unit]

    def join(self):
        while True:
            seal = self.receive()
            if isinstance(seal, self.pb.Seal):
                break
        question = self.pb.Query(id=77, kind=self.pb.QUERY_KIND_CHANGED, unit=self.unit, depth=self.levels, min_seq=seal.place.seq, limit=1)
        pages, cut = 0, None
        while True:
            answer = self.query.call(question)
            check(answer.id == 77 and answer.code == self.pb.CODE_NONE, f"no snapshot: {answer}")
            check(cut is None or answer.cut == cut, "pages of two cuts")
            cut = answer.cut
            check(len(answer.records) <= 1, "a page longer than asked for")
            pages += 1
            for record in answer.records:
                self.held[record.unit_number] = record.version
                self.records[record.unit] = record
            if not answer.next_page:
                break
            question.page = answer.next_page
        check(pages > 1, "one page for everything")
        check(cut.seq >= seal.place.seq and len(cut.digest) == 32, "a snapshot older than the seal")
        return self.prove(cut.seq)

    def prove(self, seq):
        """Applies what comes until a seal of `seq` or later matches what is held."""
        while True:
            message = self.receive()
            if not isinstance(message, self.pb.Seal):
                self.apply(message)
            elif message.place.seq >= seq:
                check(len(message.place.digest) == 32, str(message))
                check(message.count == len(self.held), f"the seal counts {message.count}, {len(self.held)} are held")
                check(message.sum == sum(mix64(u, v) for u, v in self.held.items()) & MASK, "the seal's sum is another")
                return message


def stock(pb, unit, measure, date, value):
    entry = pb.Entry()
    entry.fact.unit, entry.fact.measure, entry.fact.to, entry.fact.value = unit, measure, date, value
    return entry


def set_up(pb, session):
    entries = []
    for code, name, level, parent in (("92", "Cần Thơ", "province", "VN"), ("927", "Thới Lai", "district", "92"), ("918", "Bình Thủy", "district", "92")):
        entry = pb.Entry()
        entry.unit_create.code, entry.unit_create.name, entry.unit_create.level, entry.unit_create.parent = code, name, level, parent
        entry.unit_create.date = 20200101
        entries.append(entry)
    entry = pb.Entry()
    entry.agent.name = "ct"
    setattr(entry.agent, "from", 20200101)  # a keyword of Python
    entries.append(entry)
    entry = pb.Entry()
    entry.grant.agent, entry.grant.unit = "ct", "92"
    setattr(entry.grant, "from", 20200101)
    entries.append(entry)
    session.push(entries)


def value_of(record, measure):
    rows = [row for row in record.rows if row.measure == measure and row.WhichOneof("has_value")]
    return rows[0].value if rows else None


def run(pb, context, daemon):
    control = Session(pb, context, daemon.control, "control")
    set_up(pb, control)

    # an agent that nobody knows, and a name that is not one
    stranger = Peer(context, daemon.ingest, pb.CollectorMessage)
    hello = pb.AgentMessage()
    hello.hello.protocol, hello.hello.agent = 1, "nobody"
    answer = stranger.call(hello)
    check(answer.WhichOneof("body") == "turned" and answer.turned.code == pb.CODE_AGENT_UNKNOWN, str(answer))

    # an update, its receipt, and the same bytes again
    agent = Session(pb, context, daemon.ingest, "ct")
    check(agent.next == 1, "a new epoch begins at 1")
    first = agent.push([stock(pb, "927", "bhxh_tn", 20240930, 1501), stock(pb, "918", "bhxh_tn", 20240930, 700)], want_effect=True)
    effects = {effect.entry: effect.value for effect in first[4].effects}
    check(effects == {0: 1501, 1: 700}, f"effects {effects}")
    answer, again = agent.answer_to(first[0], first[1])
    check(again == first[3], "the second receipt differs")
    check(not answer.receipts.items[0].effects, "an effect beside a receipt that was only repeated")
    reconnected = Session(pb, context, daemon.ingest, "ct", agent.epoch, first[2].place)
    check(reconnected.epoch == agent.epoch and reconnected.next == 2 and not reconnected.welcome.last_unknown, str(reconnected.welcome))
    check(reconnected.answer_to(first[0], first[1])[1] == first[3], "the receipt differs over a new connection")

    # beyond the next number: nothing is decided, and the answer names what is expected
    answer, receipt = reconnected.answer_to(5, reconnected.payload(5, [stock(pb, "927", "bhxh_tn", 20241031, 1)]))
    check(receipt is None and answer.not_now.code == pb.CODE_EXPECT and answer.not_now.expect == 2, str(answer))

    # a snapshot that a seal proves, then an update that another proves
    subscriber = Subscriber(pb, context, daemon, "VN/92", 2)
    seal = subscriber.join()
    check(seal.count == 2, "two districts")
    check(value_of(subscriber.records["927"], "bhxh_tn") == 1501, "the snapshot's figure")
    second = reconnected.push([stock(pb, "927", "bhxh_tn", 20241031, 1600)])
    seal = subscriber.prove(second[2].place.seq)
    check(value_of(subscriber.records["927"], "bhxh_tn") == 1600, "the figure that was published")
    check(value_of(subscriber.records["918"], "bhxh_tn") == 700, "the figure beside it")
    if seal.place.seq == second[2].place.seq:
        check(seal.place == second[2].place, "seal and receipt name one place")
    question = pb.Query(id=1, kind=pb.QUERY_KIND_COVERAGE, unit="92", min_seq=second[2].place.seq)
    answer = subscriber.query.call(question)
    check(answer.code == pb.CODE_NONE and value_of(answer.records[0], "bhxh_tn") == 2300, f"the province's sum: {answer}")

    # bytes that are no message, and a message with a field that nobody knows, hurt nobody
    for garbage in (b"", b"\xff" * 40, b"\x0a\x00" * 2000):
        answer = stranger.call(garbage)
        check(answer.WhichOneof("body") == "turned" and answer.turned.code == pb.CODE_MALFORMED, f"{garbage[:8]}: {answer}")
    third_payload = reconnected.payload(3, [stock(pb, "918", "bhxh_tn", 20241031, 710)])
    answer, receipt = reconnected.answer_to(3, third_payload + b"\xa0\x06\x01")
    receipt = pb.Receipt.FromString(receipt)
    check(receipt.verdict == pb.VERDICT_REFUSED and receipt.code == pb.CODE_MALFORMED, f"an unknown field was taken: {receipt}")

    # kill -9: the receipts are what they were
    daemon.kill()
    daemon.start()
    returned = Session(pb, context, daemon.ingest, "ct", agent.epoch, second[2].place)
    check(returned.next == 4 and not returned.welcome.last_unknown, str(returned.welcome))
    for one in (first, second):
        check(returned.answer_to(one[0], one[1])[1] == one[3], "the receipt differs after kill -9")

    # one number, two payloads: the epoch is closed, and a new one goes on
    answer, receipt = returned.answer_to(2, returned.payload(2, [stock(pb, "927", "bhxh_tn", 20241031, 1601)]))
    check(answer.WhichOneof("body") == "turned" and answer.turned.code == pb.CODE_FORK, f"a fork was not seen: {answer}")
    answer, receipt = returned.answer_to(4, returned.payload(4, [stock(pb, "918", "bhxh_tn", 20241031, 720)]))
    check(answer.WhichOneof("body") == "turned", f"the session goes on after a fork: {answer}")
    hello.hello.agent, hello.hello.epoch = "ct", agent.epoch
    answer = Peer(context, daemon.ingest, pb.CollectorMessage).call(hello)
    check(answer.WhichOneof("body") == "turned" and answer.turned.code == pb.CODE_FROZEN, f"the epoch goes on after a fork: {answer}")
    fresh = Session(pb, context, daemon.ingest, "ct")
    check(fresh.epoch != agent.epoch, "the frozen epoch was granted again")
    fresh.push([stock(pb, "918", "bhxh_tn", 20241031, 720)])


def main():
    program, proto_dir = sys.argv[1:3]
    protoc = sys.argv[3] if len(sys.argv) > 3 else "protoc"
    context = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="baophu-") as directory:
        generated = os.path.join(directory, "generated")
        os.mkdir(generated)
        subprocess.run([protoc, "-I" + proto_dir, "--python_out=" + generated, "baophu/v1/baophu.proto"], check=True)
        sys.path.insert(0, generated)
        pb = importlib.import_module("baophu.v1.baophu_pb2")
        daemon = Daemon(program, directory)
        try:
            daemon.start()
            run(pb, context, daemon)
            code = daemon.stop()
            check(code == 0, f"asked to stop, the daemon ended with {code}")
        finally:
            daemon.stop()
            context.destroy(linger=0)
    print(f"{checks} checks")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, zmq.ZMQError) as error:
        sys.exit(f"test_python_client: {error!r}")
