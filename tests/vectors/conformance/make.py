#!/usr/bin/python3
"""make.py - writes live.json: what a client sends to a fresh collector, byte for byte, and what must come back.

The bytes of messages alone are vectors of ../wire; here is what only a running collector can show: which code each wrong message gets,
what zero, absence and a withdrawal look like afterwards, and where the bounds are. The steps belong together and run in this order.

A step has: name; says; to (ingest, control, query: the endpoint); from (name of the connection, kept open); message (its type); fields
(protobuf's JSON mapping with the field names of the .proto) and hex, the same in bytes. Without `fields` no library can be made to
write the bytes. `repeat`: the bytes so many times over, as one message. `payload`: what the update's payload says, where it can be said.
`release_of` instead of bytes: release the update that the step of this name had held (its seq is known only then); `epoch`, `number`.
expect: message and fields of the answer, where null is absence and a field that is not named may be anything; receipt: fields of the
first receipt in it; same_as: the receipt's bytes are those of that step; row: a row of the same kind and measure in one of the records;
nothing: no answer, ever. Answers BUSY and INDEXING mean: send the same bytes again.

`cannot` names the codes that no single message can cause, with the reason. Every other code of the .proto occurs in a step.
Does not talk to a collector. Run it only to add steps. Needs protoc and python3-protobuf.
"""
import base64
import hashlib
import importlib.util
import json
import pathlib

here = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("wire_make", here.parent / "wire" / "make.py")
wire = importlib.util.module_from_spec(spec)
spec.loader.exec_module(wire)
message_of = wire.load_messages()

steps, numbers = [], {}
DAY = 20240430


def encode(name, fields):
    return bytes.fromhex(wire.encode(message_of, name, fields))


def field(number, data):
    """A field of bytes, by hand: what no library would write."""
    def varint(value):
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])
    return varint(number << 3 | 2) + varint(len(data)) + data


def step(name, says, to, sender, expect, message="AgentMessage", fields=None, hex=None, **more):
    one = {"name": name, "says": says, "to": to, "from": sender, "message": message}
    if fields is not None:
        one["fields"] = fields
        hex = encode(message, fields).hex()
    if hex is not None:
        one["hex"] = hex
    steps.append({**one, **more, "expect": expect})


def collector(**fields):
    return {"message": "CollectorMessage", "fields": fields}


def turned(code):
    return collector(turned={"code": code})


def hello(name, says, to, sender, expect, **fields):
    step(name, says, to, sender, expect, fields={"hello": {"protocol": 1, **fields}})


def receipt(verdict, code=None, entry=None, **more):
    return {"message": "CollectorMessage", "receipt": {"verdict": "VERDICT_" + verdict, "code": code, "entry": entry}, **more}


def not_now(code, **more):
    return collector(not_now={"code": code, **more})


def update(name, says, sender, expect, entries=None, raw=None, number=None, want_effect=False, apply=None, envelope=b"", agent=None):
    """raw: bytes after agent, epoch and number of the payload. number: another than the next. envelope: bytes after the Update's own."""
    own = numbers.setdefault(sender, 1)
    payload = {"agent": agent or sender, "epoch": 1, "number": number or own}
    more = {}
    if raw is None:
        payload.update({"apply": apply} if apply else {"entries": entries} if entries else {})
        more["payload"] = payload
    data = encode("Payload", payload) + (raw or b"")
    outer = {"epoch": 1, "number": number or own, "payload": base64.b64encode(data).decode()}
    if want_effect:
        outer["want_effect"] = True
    to = "control" if sender == "control" else "ingest"
    if envelope:
        step(name, says, to, sender, expect, hex=field(2, encode("Update", outer) + envelope).hex(), **more)
    else:
        step(name, says, to, sender, expect, fields={"update": outer}, **more)
    if "receipt" in expect and number is None:
        numbers[sender] += 1


def fact(unit="927", measure="bhxh_tn", to=DAY, **more):
    return {"fact": {"unit": unit, "measure": measure, "to": to, **more}}


def refused(name, says, sender, code, entries=None, entry=0, raw=None, **more):
    update(name, says, sender, receipt("REFUSED", code, entry, **more), entries, raw)


def query(name, says, expect_code=None, hex=None, row=None, repeat=None, detail=None, answer=None, **fields):
    """answer: fields that it has beside the code."""
    expect = {"message": "Answer", "fields": {"code": expect_code, **(answer or {})}}
    if detail:
        fault, *more = detail
        expect["fields"]["detail"] = {"fault": "FAULT_" + fault, **(more[0] if more else {})}
    if row:
        expect["row"] = row
    more = {"repeat": repeat} if repeat else {}
    step(name, says, "query", "reader", expect, "Query", None if hex is not None else {"id": 7, "limit": 200, **fields}, hex, **more)


def unit(code, name="Tên", level="district", parent="92", date=20200101):
    return {"unit_create": {"code": code, "name": name, "level": level, "parent": parent, "date": date}}


def strangers():
    step("beat-first", "a message before Hello", "ingest", "stranger", turned("CODE_EPOCH"), fields={"beat": {}})
    update("update-first", "an update before Hello", "stranger", turned("CODE_EPOCH"), [fact(value=1)])
    hello("agent-unknown", "a name that is not in the registry", "ingest", "stranger", turned("CODE_AGENT_UNKNOWN"), agent="nobody")
    hello("agent-no-code", "a name that is no code", "ingest", "stranger", turned("CODE_MALFORMED"), agent="no body")
    hello("protocol-unknown", "a protocol of the future", "ingest", "stranger", turned("CODE_PROTOCOL"), agent="office", protocol=2)
    hello("control-at-ingest", "the administrator, where agents are heard", "ingest", "stranger", turned("CODE_FORBIDDEN"), agent="control")
    step("stop-at-ingest", "an order for administrators", "ingest", "stranger", turned("CODE_FORBIDDEN"), fields={"stop": {}})
    step("message-empty", "no bytes at all", "ingest", "stranger", turned("CODE_MALFORMED"), hex="")
    step("message-garbage", "no protobuf", "ingest", "stranger", turned("CODE_MALFORMED"), hex="ffffffff")
    step("message-unknown-kind", "a field that this protocol does not have", "ingest", "stranger", turned("CODE_MALFORMED"), hex="7a00")
    step("message-largest", "65,536 bytes are read", "ingest", "stranger", turned("CODE_MALFORMED"), hex="ff", repeat=65536)
    step("message-too-big", "a byte more ends the connection without an answer", "ingest", "big", {"nothing": True}, hex="ff", repeat=65537)


def administration():
    hello("control-hello", "an administrator's session", "control", "control", collector(welcome={"epoch": 1, "next": 1}), agent="control")
    update("set-up", "units, agents, grants and a plan", "control", receipt("APPLIED"), [
        unit("92", "Cần Thơ", "province", "VN"), unit("927", "Thới Lai"), unit("918", "Bình Thủy"), unit("900", "Cờ Đỏ"),
        {"unit_close": {"unit": "900", "date": 20220101, "successors": [{"unit": "927"}]}},
        {"agent": {"name": "office", "from": 20200101}}, {"agent": {"name": "other", "from": 20200101}},
        {"agent": {"name": "gone", "from": 20200101, "until": 20200201}},
        {"grant": {"agent": "office", "unit": "92", "from": 20200101}}, {"grant": {"agent": "other", "unit": "918", "from": 20200101}},
        {"plan": {"code": "nam-2024", "unit": "927", "kind": "PLAN_KIND_STOCK", "target": "bhxh_tn", "from": 20240101, "to": 20241231,
                  "value": 2000}}])
    hello("agent-gone", "an agent whose time is over", "ingest", "stranger", turned("CODE_AGENT_UNKNOWN"), agent="gone")
    hello("epoch-far", "an epoch far beyond the newest", "ingest", "stranger", turned("CODE_EPOCH"), agent="office", epoch=1 << 40)
    update("text-longest", "a name of 200 bytes, a code of 16", "control", receipt("APPLIED"), [unit("a" * 16, "ă" * 100)])
    refused("text-too-long", "a name of 201 bytes", "control", "CODE_TEXT", [unit("b1", "a" * 201)])
    refused("code-too-long", "a code of 17 bytes", "control", "CODE_TEXT", [unit("b" * 17)])
    refused("text-nfd", "a name in NFD: ê as e and a mark", "control", "CODE_TEXT", [unit("b1", "Te\u0302n")])
    refused("text-line", "a name with a line break", "control", "CODE_TEXT", [unit("b1", "a\nb")])
    bad = field(1, b"b1") + field(2, b"T\xff") + field(3, b"district") + field(4, b"92") + b"\x28" + bytes([0xa9, 0xb5, 0xd1, 0x09])
    refused("text-bad-utf8", "a name that is not UTF-8", "control", "CODE_TEXT", raw=field(4, field(11, bad)))
    refused("level-unknown", "a level that does not exist", "control", "CODE_NO_SUCH", [unit("b1", level="planet")])
    refused("unit-twice", "a code that another unit has", "control", "CODE_DUPLICATE", [unit("927")])
    refused("unit-cycle", "a unit below its own child", "control", "CODE_CYCLE",
            [{"unit_change": {"unit": "92", "date": 20230101, "parent": "927"}}])
    refused("successors-too-many", "65 successors", "control", "CODE_TOO_BIG",
            [{"unit_close": {"unit": "918", "date": 20230101, "successors": [{"unit": "927"}] * 65}}])
    refused("plan-measure-unknown", "a plan for a measure that does not exist", "control", "CODE_MEASURE_UNKNOWN",
            [{"plan": {"code": "p", "unit": "92", "kind": "PLAN_KIND_STOCK", "target": "nope", "from": 20240101, "to": 20241231, "value": 1}}])
    refused("plan-kind", "a level to be reached of an amount", "control", "CODE_KIND",
            [{"plan": {"code": "p", "unit": "92", "kind": "PLAN_KIND_STOCK", "target": "thu_bh", "from": 20240101, "to": 20241231, "value": 1}}])
    refused("plan-kind", "a plan of an amount for a measure that is a level", "control", "CODE_KIND",
            [{"plan": {"code": "p", "unit": "92", "kind": "PLAN_KIND_FLOW", "target": "bhyt", "from": 20240101, "to": 20241231, "value": 1}}])
    update("line", "a line of one plan; 97,50 % is 97,5 %", "control", receipt("APPLIED"),
           [{"threshold": {"plan": "nam-2024", "digits": 9750, "decimals": 2}}])
    refused("line-twice", "a line that is watched, written otherwise", "control", "CODE_DUPLICATE",
            [{"threshold": {"plan": "nam-2024", "digits": 975, "decimals": 1}}])
    refused("line-of-all", "one plan's line that every plan has", "control", "CODE_DUPLICATE",
            [{"threshold": {"plan": "nam-2024", "digits": 100}}])
    refused("line-without-digits", "no digits are not 0 %", "control", "CODE_VALUE", [{"threshold": {"plan": "nam-2024"}}])
    refused("line-too-high", "a line above 1000 %", "control", "CODE_VALUE", [{"threshold": {"digits": 1001}}])
    refused("line-plan-unknown", "a line of a plan that does not exist", "control", "CODE_NO_SUCH",
            [{"threshold": {"plan": "nam-1999", "digits": 10}}])
    refused("line-not-there", "a line that is not watched, taken back", "control", "CODE_NO_SUCH",
            [{"threshold": {"digits": 10, "remove": True}}])
    refused("lines-too-many", "a seventeenth line", "control", "CODE_TOO_BIG", [{"threshold": {"digits": 1 + i}} for i in range(13)], 12)
    refused("held-none", "a release of nothing", "control", "CODE_NO_SUCH", [{"held": {"seq": 999999999, "release": True}}])
    refused("second-entry", "the code names the first entry that is wrong", "control", "CODE_NO_SUCH",
            [unit("b1"), unit("b2", parent="nowhere")], 1)


def figures():
    hello("office-hello", "an agent's session", "ingest", "office", collector(welcome={"epoch": 1, "next": 1, "last_unknown": None}),
          agent="office")
    update("fact", "a figure and its effect", "office", {**receipt("APPLIED"), **collector()}, [fact(value=1501)], want_effect=True)
    update("fact-again", "the same number and bytes: the same receipt", "office", receipt("APPLIED", same_as="fact"), [fact(value=1501)],
           number=1, want_effect=True)
    update("zero", "zero is a figure", "office", receipt("APPLIED"), [fact(measure="bhyt", value=0)])
    refused("value-absent", "no value is not zero: refused", "office", "CODE_VALUE", [fact(measure="bhyt", to=20240531)])
    changed = {"kind": "QUERY_KIND_CHANGED", "unit": "92", "depth": 1}
    query("zero-is-there", "zero is said aloud", row={"kind": "ROW_KIND_STOCK", "measure": "bhyt", "value": 0, "state": "STATE_REPORTED"},
          **changed)
    update("largest", "10^15", "office", receipt("APPLIED"), [fact(measure="danso", value=10**15)])
    refused("value-too-large", "10^15 and one", "office", "CODE_VALUE", [fact(measure="danso", value=10**15 + 1)])
    refused("value-negative", "a negative figure", "office", "CODE_VALUE", [fact(measure="danso", value=-1)])
    update("withdrawn", "a figure is taken back, and none stood before it", "office", receipt("APPLIED"),
           [{"withdrawal": {"unit": "927", "measure": "danso", "to": DAY, "reason": "REASON_CORRECTION"}}])
    query("withdrawn-is-absent", "taken back is a state without a value, not zero",
          row={"kind": "ROW_KIND_STOCK", "measure": "danso", "value": None, "state": "STATE_WITHDRAWN"}, **changed)
    refused("nothing-stands", "taken back twice", "office", "CODE_NOTHING_STANDS",
            [{"withdrawal": {"unit": "927", "measure": "danso", "to": DAY}}])
    refused("no-entries", "an update of nothing", "office", "CODE_EMPTY", [], None)
    refused("entries-too-many", "513 entries", "office", "CODE_TOO_BIG", entry=None, raw=b"\x22\x00" * 513)
    rate = {"rate": {"unit": "927", "measure": "bhyt", "denominator": "DENOMINATOR_UNSTATED", "to": DAY, "digits": 1}}
    update("entries-most", "512 entries", "office", receipt("APPLIED"), raw=encode("Payload", {"entries": [rate]}) * 512)
    refused("measure-unknown", "a measure that does not exist", "office", "CODE_MEASURE_UNKNOWN", [fact(measure="nope", value=1)])
    refused("stock-period", "a level over a period", "office", "CODE_PERIOD", [fact(**{"from": 20240101}, value=1)])
    refused("period-backwards", "from after to", "office", "CODE_PERIOD", [fact(measure="thu_bh", **{"from": 20240501}, value=1)])
    refused("no-such-day", "29 February 2023", "office", "CODE_PERIOD", [fact(to=20230229, value=1)])
    update("far-ahead", "a date in the next century: nothing is decided, the number is free", "office", not_now("CODE_CLOCK"),
           [fact(to=21000101, value=1)])
    update("number-gap", "a number beyond the next one", "office", not_now("CODE_EXPECT", expect=numbers["office"]), [fact(value=1)],
           number=numbers["office"] + 5)
    refused("slot-twice", "one figure twice in one update", "office", "CODE_DUPLICATE", [fact(value=1), fact(value=2)], entry=1)
    refused("code-space", "a code with a space", "office", "CODE_TEXT", [fact(unit="92 7", value=1)])
    refused("code-not-ascii", "a code in Vietnamese", "office", "CODE_TEXT", [fact(unit="thới-lai", value=1)])
    refused("code-bad-utf8", "a code that is not UTF-8", "office", "CODE_TEXT",
            raw=field(4, field(1, field(1, b"\xc3") + field(2, b"bhyt") + b"\x28\xae\xb5\xd3\x09\x30\x01")))
    good = encode("Payload", {"entries": [fact(value=7)]})
    inner = good[4:]  # the Fact, without the tags and lengths of entry and kind
    refused("payload-unknown-field", "a field that the payload does not have", "office", "CODE_MALFORMED", entry=None,
            raw=good + b"\xa0\x06\x01")
    refused("fact-unknown-field", "a field that a fact does not have", "office", "CODE_MALFORMED",
            raw=field(4, field(1, inner + b"\xa0\x06\x01")))
    refused("entry-unknown-kind", "an entry of a kind that does not exist", "office", "CODE_MALFORMED", raw=field(4, field(99, b"")))
    refused("enum-unknown", "a status that does not exist", "office", "CODE_MALFORMED", [fact(value=1, status=9)])
    update("envelope-unknown-field", "a field that the envelope does not have: nothing is decided", "office", turned("CODE_MALFORMED"),
           [fact(value=1)], envelope=b"\xa0\x06\x01")
    update("payload-of-another", "envelope and payload disagree", "office", receipt("REFUSED", "CODE_MALFORMED"), [fact(value=1)],
           agent="other")
    refused("administrators-only", "an agent makes a unit", "office", "CODE_FORBIDDEN", [unit("b1")])
    refused("not-owner", "a unit that was granted to another agent", "office", "CODE_NOT_OWNER", [fact(unit="918", value=1)])
    update("unit-unknown", "no unit ever had this code", "office", receipt("HELD", "CODE_UNIT_UNKNOWN", 0), [fact(unit="777", value=1)])
    update("unit-closed", "a unit that was closed: held, and its successor is named", "office",
           {**receipt("HELD", "CODE_UNIT_NOT_VALID", 0), **collector(receipts={"items": [{"suggestion": "927"}]})},
           [fact(unit="900", value=1)])
    update("plan-unknown", "a percentage of a plan that nobody knows", "office", receipt("HELD", "CODE_PLAN_UNKNOWN", 0),
           [{"rate": {"unit": "927", "measure": "bhxh_tn", "denominator": "DENOMINATOR_PLAN", "over": "nam-1999", "to": DAY, "digits": 1}}])
    update("no-owner", "a unit that was granted to nobody", "office", receipt("HELD", "CODE_NO_OWNER", 0), [fact(unit="VN", value=1)])
    step("still-held", "a release while the unit is still unknown", "control", "control", receipt("REFUSED", "CODE_STILL_HELD", 0),
         release_of="unit-unknown", epoch=1, number=numbers["control"])
    numbers["control"] += 1


def imports():
    part = {"stage": {"epoch": 1, "batch": 1, "entries": [fact(measure="bhtn", value=5)]}}
    staged = {"batch": 1, "part": None, "code": None}
    step("stage", "a part of an import", "ingest", "office", collector(staged=staged), fields=part)
    step("stage-again", "the same part again", "ingest", "office", collector(staged=staged), fields=part)
    step("stage-another", "another part of the same number", "ingest", "office", collector(staged={**staged, "code": "CODE_DUPLICATE"}),
         fields={"stage": {"epoch": 1, "batch": 1, "entries": [fact(measure="bhtn", value=6)]}})
    step("stage-gap", "a part beyond the next one", "ingest", "office", collector(staged={"part": 3, "code": "CODE_EXPECT"}),
         fields={"stage": {**part["stage"], "part": 3}})
    step("stage-wrong", "a part with an entry that is wrong", "ingest", "office", collector(staged={"part": 1, "code": "CODE_VALUE"}),
         fields={"stage": {"epoch": 1, "batch": 1, "part": 1, "entries": [fact()]}})
    step("stage-epoch", "a part in another epoch", "ingest", "office", turned("CODE_EPOCH"), fields={"stage": {**part["stage"], "epoch": 9}})
    # The digest is of the encoded Stage, not of the AgentMessage around it.
    digest = hashlib.blake2b(encode("Stage", part["stage"]), digest_size=32).digest()
    apply = {"batch": 1, "parts": 1, "entries": 1, "digest": base64.b64encode(digest).decode()}
    update("apply-unknown", "a batch that was never staged", "office", receipt("REFUSED", "CODE_NO_SUCH"), apply={**apply, "batch": 2})
    update("apply-other", "a digest of something else", "office", receipt("REFUSED", "CODE_MALFORMED"),
           apply={**apply, "digest": base64.b64encode(bytes(32)).decode()})
    step("stage-anew", "whatever was decided of a batch, its parts are gone", "ingest", "office", collector(staged=staged), fields=part)
    update("apply", "the batch as one update", "office", receipt("APPLIED"), apply=apply)
    update("apply-twice", "a batch is applied once", "office", receipt("REFUSED", "CODE_NO_SUCH"), apply=apply)


def questions():
    query("query-garbage", "no protobuf", "CODE_QUERY", hex="ffffffff", detail=["UNREADABLE"])
    query("query-unknown-field", "a field that a question does not have", "CODE_QUERY", hex="1001a00601", detail=["UNREADABLE"])
    query("query-unknown-kind", "a kind that does not exist", "CODE_QUERY", kind=99, detail=["UNREADABLE"])
    query("query-unit-unknown", "a unit that does not exist", "CODE_QUERY", kind="QUERY_KIND_COVERAGE", unit="777",
          detail=["UNIT_UNKNOWN", {"named": "777", "successor": None}])
    query("query-plan-unknown", "a plan that nobody set", "CODE_QUERY", kind="QUERY_KIND_COVERAGE", unit="92", plan="khong-co",
          detail=["PLAN_UNKNOWN", {"named": "khong-co"}])
    query("query-measure-unknown", "a measure that is none", "CODE_QUERY", kind="QUERY_KIND_COVERAGE", unit="92", measures=["khong-co"],
          detail=["MEASURE_UNKNOWN", {"named": "khong-co"}])
    query("query-without-unit", "a question about a unit, without one", "CODE_QUERY", kind="QUERY_KIND_HISTORY", detail=["UNIT_MISSING"])
    query("query-too-deep", "nine levels", "CODE_QUERY", kind="QUERY_KIND_COVERAGE", unit="VN", depth=9,
          detail=["UNREADABLE"])
    query("query-page-too-long", "501 records a page", "CODE_QUERY", kind="QUERY_KIND_COVERAGE", unit="VN", limit=501,
          detail=["UNREADABLE"])
    query("query-page-foreign", "a page that is none of this question's", "CODE_QUERY", kind="QUERY_KIND_UNITS", page="AAAA",
          detail=["PAGE"])
    query("query-behind", "a cut that does not exist yet", "CODE_BEHIND", kind="QUERY_KIND_COVERAGE", unit="VN", min_seq=10**12,
          detail=["SEQ_AHEAD", {"wanted_seq": 10**12}])
    query("query-other-history", "a place that is not in this history", "CODE_SNAPSHOT_REQUIRED", kind="QUERY_KIND_CHANGED", unit="VN",
          since_seq=1, since_digest=base64.b64encode(bytes(32)).decode(), detail=["HISTORY", {"wanted_seq": 1}])
    query("query-status", "how the collector is", None, kind="QUERY_KIND_STATUS")


def forks():
    """Last: nothing can be sent in a frozen epoch."""
    update("fork", "a number that was used, with another payload", "office", turned("CODE_FORK"), [fact(value=9)], number=1)
    update("frozen", "the epoch is frozen", "office", turned("CODE_FROZEN"), [fact(value=9)])
    hello("frozen-hello", "nor can it be opened again by asking", "ingest", "office2", turned("CODE_FROZEN"), agent="office", epoch=1)
    hello("new-epoch", "a new epoch can be written in", "ingest", "office2", collector(welcome={"epoch": 2, "next": 1}), agent="office")
    chosen = (1 << 52) + 5
    hello("epoch-chosen", "an epoch that was chosen while there was no connection", "ingest", "office3",
          collector(welcome={"epoch": chosen, "next": 1}), agent="office", epoch=chosen)
    hello("epoch-chosen-smaller", "another, below it", "ingest", "office3", collector(welcome={"epoch": chosen - 5, "next": 1}),
          agent="office", epoch=chosen - 5)
    hello("epoch-chosen-end", "one beyond those that may be chosen", "ingest", "office3", turned("CODE_EPOCH"), agent="office", epoch=1 << 53)
    hello("epoch-counted", "none of these is the newest: the collector counts on", "ingest", "office3",
          collector(welcome={"epoch": 3, "next": 1}), agent="office")
    hello("older-copy", "a place that is not in this history", "ingest", "office2",
          collector(welcome={"epoch": 2, "last_unknown": True}), agent="office", epoch=2,
          last={"seq": 1, "digest": base64.b64encode(bytes(32)).decode()})


def declare(unit="918", measures=("bhyt",), **more):
    return {"declare": {"unit": unit, **({"measures": list(measures)} if measures else {}), **more}}


def declarations():
    monthly = {"rhythm": "RHYTHM_MONTHLY", "closing_day": 25, "grace_days": 3}
    hello("other-hello", "another agent's session", "ingest", "other", collector(welcome={"epoch": 1, "next": 1}), agent="other")
    update("declare", "what an agent reports, and how often", "other", receipt("APPLIED"), [declare(**monthly)])
    query("declared", "a row says how many of the declared are up to date, also where nothing was reported",
          row={"kind": "ROW_KIND_STOCK", "measure": "bhyt", "value": None, "state": "STATE_NO_REPORT", "fresh": 1, "declared": 1},
          kind="QUERY_KIND_CHANGED", unit="918")
    update("declare-all", "of all measures that were granted, each week; of every district at the unit or below it", "other",
           receipt("APPLIED"), [declare(measures=(), rhythm="RHYTHM_WEEKLY", level="district")])
    query("due", "what is declared, and how it stands", None, kind="QUERY_KIND_DUE", agent="other", freshness="FRESHNESS_FRESH")
    query("due-nobody", "of an agent that does not exist", "CODE_QUERY", kind="QUERY_KIND_DUE", agent="nobody",
          detail=("AGENT_UNKNOWN", {"named": "nobody"}))
    update("declare-removed", "nothing is declared so any more", "other", receipt("APPLIED"), [declare(remove=True)])
    refused("declare-removed-again", "nor was anything", "other", "CODE_NO_SUCH", [declare(remove=True)])
    refused("declare-no-rhythm", "a declaration that does not say how often", "other", "CODE_MALFORMED", [declare(grace_days=1)])
    refused("declare-closing-day", "a 32nd day of the month", "other", "CODE_PERIOD", [declare(rhythm="RHYTHM_MONTHLY", closing_day=32)])
    refused("declare-level", "a level that does not exist", "other", "CODE_NO_SUCH", [declare(level="planet", **monthly)])
    refused("declare-measure", "a measure that does not exist", "other", "CODE_MEASURE_UNKNOWN", [declare(measures=("nope",), **monthly)])
    refused("declare-twice", "a measure twice", "other", "CODE_DUPLICATE", [declare(measures=("bhyt", "bhyt"), **monthly)])
    refused("declare-not-owner", "a unit that was granted to another agent", "other", "CODE_NOT_OWNER", [declare("927", **monthly)])
    update("declare-no-owner", "a unit that was granted to nobody", "other", receipt("HELD", "CODE_NO_OWNER", 0), [declare("VN", **monthly)])
    update("declare-unit-unknown", "no unit ever had this code", "other", receipt("HELD", "CODE_UNIT_UNKNOWN", 0), [declare("777", **monthly)])
    place = {"seq": 1, "digest": base64.b64encode(bytes(32)).decode()}
    refused("backup-elsewhere", "a verified backup of another history", "control", "CODE_NO_SUCH", [{"backup": {"place": place}}])
    refused("backup-beyond", "a verified backup of what is not in the log yet", "control", "CODE_NO_SUCH",
            [{"backup": {"place": {**place, "seq": 10**12}}}])
    refused("backup-nowhere", "a verified backup without a place", "control", "CODE_MALFORMED", [{"backup": {}}])
    refused("backup-by-agent", "an agent says that a backup was verified", "other", "CODE_FORBIDDEN", [{"backup": {"place": place}}])


def event(line, direction, numerator, nth, number, index):
    """Zero and absence are the same where a field has no presence."""
    return {"unit": "918", "name": "Bình Thủy", "plan": "dot-1", "measure": "bhyt",
            "line_digits": line or None, "line_decimals": None, "direction": "DIRECTION_" + direction, "numerator": numerator,
            "denominator": 100, "target": 100, "nth": nth, "count": None, "number": number, "index": index or None}


def crossings():
    of = {"kind": "QUERY_KIND_EVENTS", "unit": "918"}
    query("thresholds", "what is watched: 0 %, 50 % and 100 % of every plan, and what was set", kind="QUERY_KIND_THRESHOLDS",
          answer={"thresholds": [{"plan": None, "digits": None}, {"plan": None, "digits": 50}, {"plan": None, "digits": 100},
                                 {"plan": "nam-2024", "digits": 975, "decimals": 1}]})
    query("events-none", "a unit that never crossed a line", answer={"events": None, "next_page": None}, **of)
    update("plan-to-cross", "a plan of a unit without one", "control", receipt("APPLIED"),
           [{"plan": {"code": "dot-1", "unit": "918", "kind": "PLAN_KIND_STOCK", "target": "bhyt", "from": 20240101, "to": 20241231,
                      "value": 100}}])
    update("cross-three", "from nothing to what was planned: three lines at once", "other", receipt("APPLIED"),
           [fact("918", "bhyt", value=100)])
    update("cross-down", "and down below two of them", "other", receipt("APPLIED"), [fact("918", "bhyt", to=20240501, value=49)])
    update("cross-again", "and up again on the same business day", "other", receipt("APPLIED"), [fact("918", "bhyt", to=20240502, value=100)])
    told = [event(0, "UP", 100, 1, 1, 0), event(50, "UP", 100, 1, 2, 1), event(100, "UP", 100, 1, 3, 2),
            event(50, "DOWN", 49, 2, 4, 0), event(100, "DOWN", 49, 2, 5, 1)]
    kept = [event(50, "UP", 100, 3, None, 0), event(100, "UP", 100, 3, None, 1)]
    query("events", "in order; the third crossing of a line in a day is kept only, so it has no number", answer={"events": told + kept}, **of)
    query("event-count", "a live record says how many events its unit had, kept ones not counted", kind="QUERY_KIND_CHANGED", unit="918",
          answer={"records": [{"unit": "918", "event_count": 5, "events": None}]})
    query("events-of-day", "of business days that are not there", answer={"events": None}, **{**of, "from": 20200101}, to=20200102)
    query("events-of-measure", "of a measure without a plan", answer={"events": None}, **of, measures=["bhxh_tn"])
    query("events-of-plan", "of another plan", answer={"events": None}, **of, plan="nam-2024")
    query("events-known-before", "as known before there were any", answer={"events": None, "known_seq": 3}, known_seq=3, kind=of["kind"])
    query("events-plan-unknown", "of a plan that nobody set", "CODE_QUERY", detail=["PLAN_UNKNOWN", {"named": "khong-co"}], **of, plan="khong-co")
    query("events-other-history", "since a place that is not in this history", "CODE_SNAPSHOT_REQUIRED", since_seq=1,
          since_digest=base64.b64encode(bytes(32)).decode(), detail=["HISTORY", {"wanted_seq": 1}], **of)
    query("events-since-later", "since a place that does not exist yet", "CODE_SNAPSHOT_REQUIRED", since_seq=10**12,
          detail=["SEQ_AHEAD", {"wanted_seq": 10**12}], **of)
    update("line-removed", "a line is watched no longer", "control", receipt("APPLIED"), [{"threshold": {"digits": 50, "remove": True}}])
    query("events-stay", "what was crossed stays", answer={"events": told + kept}, **of)


def main():
    for part in (strangers, administration, figures, imports, questions, forks, declarations, crossings):
        part()
    out = {"cannot": {"CODE_BUSY": "needs a collector under load", "CODE_DISK": "needs a full disk",
                      "CODE_INDEXING": "needs an index that is being rebuilt"},
           "steps": steps}
    (here / "live.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
