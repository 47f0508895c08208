// Follows coverage: subscriber.js baophu.proto tcp://127.0.0.1:7103 tcp://127.0.0.1:7102 VN/92 2. «exact» proves what is above.
const zmq = require("zeromq"), protobuf = require("protobufjs"), [, , proto, publish, ask, path, depth] = process.argv;
const root = new protobuf.Root().loadSync(proto, { keepCase: true }), type = (name) => root.lookupType("baophu.v1." + name);
const decode = (name, bytes) => type(name).toObject(type(name).decode(bytes), { longs: String, defaults: true, oneofs: true });
const big = (x) => BigInt.asUintN(64, x), held = new Map(), codes = path.split("/"), unseen = { seq: "0", digest: Buffer.of() };
const question = { kind: "QUERY_KIND_CHANGED", unit: codes.at(-1), depth: depth - codes.length + 1 };
const mix = (x, shift, factor) => big((x ^ (x >> shift)) * factor), [A, B] = [0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn];
const mix64 = ([unit, version], x = mix(mix(big(BigInt(unit) * 0x9e3779b97f4a7c15n + version), 30n, A), 27n, B)) => x ^ (x >> 31n);
function take({ unit_number, version, previous, unit, tombstone, rows }) { // else it is held, or one before it was lost
	if (BigInt(previous) > (held.get(unit_number) ?? 0n) || (held.get(unit_number) ?? 0n) >= BigInt(version)) return;
	tombstone ? held.delete(unit_number) : held.set(unit_number, BigInt(version));
	console.log(unit, tombstone ? "gone" : rows.filter((row) => row.has_value).map((row) => [row.measure, row.value]));
}
const isBefore = (a, b) => BigInt(a.seq) < BigInt(b.seq), differs = (a, b) => a.seq === b.seq && a.digest.compare(b.digest);
(async function main(sealed = unseen, cut = unseen, records = []) { // over another connection another history may come: silence
	const sub = new zmq.Subscriber({ receiveTimeout: 5000, reconnectInterval: -1 }), query = new zmq.Dealer({ receiveTimeout: 5000 });
	sub.connect(publish), query.connect(ask), sub.subscribe(`coverage/${depth}/${path}/`, `seal/${depth}/${path}/~`);
	for await (const [topic, body] of sub) {
		if (String(topic).startsWith("coverage/") && [take(decode("CoverageRecord", body))]) continue;
		const { place, count, sum } = decode("Seal", body);
		const isOther = isBefore(place, sealed) || [sealed, cut].some((seen) => differs(place, seen)); // history, whatever it counts
		if (((sealed = place), !isOther && isBefore(place, cut))) continue; // what was asked for is newer
		const isExact = !isOther && count === held.size && [...held].reduce((all, one) => big(all + mix64(one)), 0n) === BigInt(sum);
		isExact ? console.log("exact at", place.seq, "units", held.size) : held.clear(); // joining, or something was lost:
		for (let page = null; !isExact && page?.length !== 0; cut ??= unseen) { // all is asked for
			await query.send(type("Query").encode(type("Query").fromObject({ ...question, min_seq: place.seq, page })).finish());
			({ cut, next_page: page, records } = decode("Answer", (await query.receive())[0])), records.forEach(take);
		}
	}
})();
