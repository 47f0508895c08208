#!/usr/bin/python3
"""Reports one figure: sender.py tcp://127.0.0.1:7101 AGENT UNIT MEASURE YYYYMMDD VALUE. Needs baophu_pb2: protoc --python_out."""
import sys, time, zmq
from baophu.v1 import baophu_pb2 as pb
endpoint, agent, unit, measure, date, value = sys.argv[1:]
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.connect(endpoint)
message = hello = pb.AgentMessage(hello=pb.Hello(protocol=1, agent=agent))  # epoch 0: a new one
update = None
while True:
    socket.send(message.SerializeToString())
    if not socket.poll(5000):  # a collector that was started again wants a Hello first
        message = hello
        continue
    answer = pb.CollectorMessage.FromString(socket.recv())
    if answer.HasField("welcome") and not update:  # from here on the same bytes, however often they are sent: decided once
        place = {"epoch": answer.welcome.epoch, "number": answer.welcome.next}
        fact = pb.Fact(unit=unit, measure=measure, to=int(date), value=int(value))
        payload = pb.Payload(agent=agent, entries=[pb.Entry(fact=fact)], **place)
        update = pb.AgentMessage(update=pb.Update(payload=payload.SerializeToString(), **place))
        hello.hello.epoch = answer.welcome.epoch
    elif answer.HasField("turned") and answer.turned.code != pb.CODE_EPOCH:
        sys.exit("turned away: " + pb.Code.Name(answer.turned.code))
    elif answer.HasField("receipts"):
        receipt = pb.Receipt.FromString(answer.receipts.items[0].receipt)
        print(pb.Verdict.Name(receipt.verdict), pb.Code.Name(receipt.code), receipt.place.seq)
        sys.exit(receipt.verdict != pb.VERDICT_APPLIED)
    time.sleep(answer.not_now.retry_after_ms / 1000)
    message = hello if answer.HasField("turned") else update
