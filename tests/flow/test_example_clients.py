#!/usr/bin/python3
"""The example clients as a stranger would start them: test_example_clients.py BAOPHUD SOURCE_DIR BINARY_DIR NODE PROTOC (NODE_PATH set).

For each language beside a real daemon of its own: a sender reports, one is refused, a subscriber of the districts joins and proves what it
holds, follows a figure that a sender of another language reports, and proves it again; a record that it never gets is mended; a seal whose
sum is wrong is never taken for a proof, nor one that counts right and has another digest than its place was seen with; whoever does not join
anew after a lost connection ends. Each example is at most 30 lines. Exits 0, or 1 with what was wrong.
"""
import concurrent.futures
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_python_client import Daemon, Session, check, set_up  # noqa: E402

WAIT_S = 30
LINES_MAX = 30


class Output:
    """A program's lines as they come; waits for one with a bound."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.lines, self.taken, self.condition = [], 0, threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            with self.condition:
                self.lines.append(line.strip())
                self.condition.notify()
        with self.condition:
            self.lines.append("")  # the end
            self.condition.notify()

    def until(self, words):
        """The next line with all words; what stands before it is passed over."""
        deadline = time.monotonic() + WAIT_S
        while True:
            with self.condition:
                left = deadline - time.monotonic()
                check(left > 0 and self.condition.wait_for(lambda: self.taken < len(self.lines), left), f"no {words} in {self.lines}")
                line = self.lines[self.taken]
                self.taken += 1
            check(line, f"it ended before {words}: {self.lines}")
            if all(word in line for word in words):
                return line

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


def spoil_sum(seal):
    seal.sum ^= 1


def spoil_digest(seal):
    seal.place.digest = bytes(byte ^ 1 for byte in seal.place.digest)


class Proxy:
    """Between publisher and subscriber: drops the records it is told to, and can spoil seals."""

    def __init__(self, pb, context, publish, endpoint="tcp://127.0.0.1:*"):
        self.pb, self.front, self.back = pb, context.socket(zmq.XPUB), context.socket(zmq.XSUB)
        self.front.linger = self.back.linger = 0
        deadline = time.monotonic() + WAIT_S
        while True:  # until whoever had the endpoint before has given it back
            try:
                self.front.bind(endpoint)
                break
            except zmq.ZMQError as error:
                check(error.errno == zmq.EADDRINUSE and time.monotonic() < deadline, f"{endpoint}: {error}")
                time.sleep(0.01)
        self.back.connect(publish)
        self.endpoint = self.front.last_endpoint.decode()
        self.drops, self.spoil, self.stops, self.subscriptions = 0, None, threading.Event(), 0
        self.spoiled, self.counts_from = threading.Semaphore(0), 1 << 63
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        poller = zmq.Poller()
        poller.register(self.front, zmq.POLLIN)
        poller.register(self.back, zmq.POLLIN)
        while not self.stops.is_set():
            for socket, _ in poller.poll(50):
                frames = socket.recv_multipart()
                if socket is self.front:
                    self.subscriptions += frames[0][:1] == b"\1"
                    self.back.send_multipart(frames)
                elif frames[0].startswith(b"coverage/") and self.drops:
                    self.drops -= 1
                elif self.spoil and frames[0].startswith(b"seal/"):
                    seal = self.pb.Seal.FromString(frames[1])
                    self.spoil(seal)
                    self.front.send_multipart([frames[0], seal.SerializeToString()])
                    if seal.place.seq >= self.counts_from:
                        self.spoiled.release()
                elif self.spoil is spoil_sum:
                    pass
                else:
                    self.front.send_multipart(frames)

    def end(self):
        self.stops.set()
        self.thread.join()
        self.front.close()
        self.back.close()

    def wait_for_spoiled(self, count):
        for _ in range(count):
            check(self.spoiled.acquire(timeout=WAIT_S), "no seal came")


def proofs(output, seq):
    """The lines that claim this place, or a later one."""
    lines = [line for line in output.lines if "exact at" in line]
    return [line for line in lines if int(line.split()[2].strip(",")) >= seq]


def run(pb, context, daemon, senders, subscriber, environment, joins_anew):
    set_up(pb, Session(pb, context, daemon.control, "control"))

    def send(sender, *words):
        arguments = [daemon.ingest, "ct", *words]
        done = subprocess.run(sender + arguments, env=environment, stdout=subprocess.PIPE, text=True, timeout=WAIT_S, check=False)
        return done.returncode, done.stdout

    code, text = send(senders[0], "927", "bhxh_tn", "20240930", "1501")
    check(code == 0 and text.startswith("VERDICT_APPLIED CODE_NONE "), f"{senders[0]}: {code} {text}")
    code, text = send(senders[0], "927", "nope", "20240930", "1")
    check(code == 1 and "MEASURE_UNKNOWN" in text, f"{senders[0]}: {code} {text}")
    proxy = Proxy(pb, context, daemon.publish)
    output = Output([*subscriber, proxy.endpoint, daemon.query, "VN/92", "2"], environment)
    try:
        output.until(["927", "bhxh_tn", "1501"])
        output.until(["exact at"])
        check(send(senders[1], "918", "bhxh_tn", "20241031", "0")[0] == 0, f"{senders[1]} failed")  # zero is a figure
        output.until(["918", "bhxh_tn", "0"])
        output.until(["exact at"])
        proxy.drops = 1
        check(send(senders[0], "927", "bhxh_tn", "20241031", "1600")[0] == 0, "the second figure")
        output.until(["927", "bhxh_tn", "1600"])  # it never came, and was asked for
        output.until(["exact at"])
        proxy.spoil = spoil_sum
        code, text = send(senders[0], "927", "bhxh_tn", "20241130", "1700")
        check(code == 0, "the third figure")
        proxy.counts_from = int(text.split()[2])
        proxy.wait_for_spoiled(2)
        early = proofs(output, proxy.counts_from)
        check(not early, f"proved by a seal that is wrong: {early}")
        proxy.spoil = None
        output.until(["927", "bhxh_tn", "1700"])
        output.until(["exact at"])
        # What is held is right, and so is what the seal counts; but the place that was proved had another digest.
        proxy.spoil = spoil_digest
        proxy.wait_for_spoiled(1)
        known = len(proofs(output, proxy.counts_from))
        proxy.wait_for_spoiled(2)
        check(len(proofs(output, proxy.counts_from)) <= known, f"proved by a seal of another history: {output.lines[-8:]}")
        proxy.spoil = None
        while len(proofs(output, proxy.counts_from)) <= known:
            output.until(["exact at"])
        proxy.end()
        proxy = Proxy(pb, context, daemon.publish, proxy.endpoint)
        if joins_anew:
            known = len(proofs(output, proxy.counts_from))
            check(send(senders[0], "927", "bhxh_tn", "20241231", "1800")[0] == 0, "the fourth figure")
            output.until(["927", "bhxh_tn", "1800"])
            output.until(["exact at"])
        else:
            check(output.process.wait(WAIT_S) != 0, "a lost connection is the end")
            check(proxy.subscriptions == 0, "it went on over another connection")
    finally:
        output.end()
        proxy.end()


def main():
    program, source, binary, node, protoc = sys.argv[1:6]
    clients, proto = pathlib.Path(source) / "examples" / "clients", os.path.join(source, "proto", "baophu", "v1", "baophu.proto")
    for path in sorted(clients.glob("*/*.*")):
        check(len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX, f"{path.name} has more than {LINES_MAX} lines")
    context = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="baophu-") as generated:
        subprocess.run([protoc, "-I" + os.path.join(source, "proto"), "--python_out=" + generated, "baophu/v1/baophu.proto"], check=True)
        sys.path.insert(0, generated)
        pb = importlib.import_module("baophu.v1.baophu_pb2")
        environment = dict(os.environ, PYTHONPATH=generated, PYTHONUNBUFFERED="1")
        commands = {role: [[sys.executable, str(clients / "python" / (role + ".py"))], [node, str(clients / "node" / (role + ".js")), proto],
                           [os.path.join(binary, "tests", "example_" + role)]] for role in ("sender", "subscriber")}

        def run_language(i):
            senders = [commands["sender"][i], commands["sender"][(i + 1) % 3]]
            with tempfile.TemporaryDirectory(prefix="baophu-") as directory:
                daemon = Daemon(program, directory)
                try:
                    daemon.start()
                    run(pb, context, daemon, senders, commands["subscriber"][i], environment, joins_anew=i == 2)
                    check(daemon.stop() == 0, "the daemon did not end in order")
                finally:
                    daemon.stop()

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for language in [pool.submit(run_language, i) for i in range(3)]:
                language.result()
    context.destroy(linger=0)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, zmq.ZMQError, subprocess.TimeoutExpired) as error:
        sys.exit(f"test_example_clients: {error}")
