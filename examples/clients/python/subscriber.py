"""Follows coverage: subscriber.py tcp://127.0.0.1:7103 tcp://127.0.0.1:7102 VN/92 2. Each «exact» proves what is above."""
import sys, zmq
from baophu.v1 import baophu_pb2 as pb  # protoc --python_out
(publish, ask, path, depth), held, sealed, cut, M = sys.argv[1:], {}, pb.Place(), pb.Place(), (1 << 64) - 1
sub, query = (zmq.Context.instance().socket(kind) for kind in (zmq.SUB, zmq.DEALER))
sub.reconnect_ivl = -1  # over another connection another history may come: ends in silence
sub.subscribe(f"coverage/{depth}/{path}/"), sub.subscribe(f"seal/{depth}/{path}/~"), sub.connect(publish), query.connect(ask)
question = pb.Query(kind=pb.QUERY_KIND_CHANGED, unit=path.split("/")[-1], depth=int(depth) - path.count("/"))
def mix64(unit, version):
    x = ((x := unit * 0x9E3779B97F4A7C15 + version & M) ^ x >> 30) * 0xBF58476D1CE4E5B9 & M
    return (x := (x ^ x >> 27) * 0x94D049BB133111EB & M) ^ x >> 31
def take(record):
    held.pop(record.unit_number, None) if record.tombstone else held.update({record.unit_number: record.version})
    print(record.unit, "gone" if record.tombstone else [(row.measure, row.value) for row in record.rows if row.HasField("value")])
while sub.poll(5000) or sys.exit("silence: a seal comes every second"):
    topic, body = sub.recv_multipart()
    seal = pb.Seal.FromString(body) if topic.startswith(b"seal/") else None
    if not seal and (new := pb.CoverageRecord.FromString(body)).previous <= held.get(new.unit_number, 0) < new.version: take(new)
    if not seal: continue  # a record that does not follow is held already, or one before it was lost
    at, is_other = seal.place, any(seen.seq == seal.place.seq and seen.digest != seal.place.digest for seen in (sealed, cut))
    is_other, sealed = is_other or at.seq < sealed.seq, at  # of another history, whatever it counts
    if not is_other and at.seq >= cut.seq and (seal.count, seal.sum) == (len(held), sum(mix64(*unit) for unit in held.items()) & M):
        print("exact at", at.seq, "units", len(held), flush=True)
    elif is_other or at.seq >= cut.seq:  # joining, or something was lost: all is asked for
        held, question.min_seq, has_more = {}, at.seq, True
        while has_more:
            query.send(question.SerializeToString())
            answer = pb.Answer.FromString(query.recv()) if query.poll(5000) else sys.exit("silence")
            for record in answer.records: take(record)
            cut, question.page, has_more = answer.cut, answer.next_page, bool(answer.next_page)
