// Follows coverage: subscriber.js baophu.proto tcp://127.0.0.1:7103 tcp://127.0.0.1:7102 VN/92 2. «exact» proves what is above.
const zmq = require("zeromq"), protobuf = require("protobufjs"), [, , proto, publish, ask, path, depth] = process.argv;
const root = new protobuf.Root().loadSync(proto, { keepCase: true }), type = (name) => root.lookupType("baophu.v1." + name);
const decode = (name, bytes) => type(name).toObject(type(name).decode(bytes), { longs: String, defaults: true, oneofs: true });
const big = (x) => BigInt.asUintN(64, x), held = new Map(), codes = path.split("/");
const question = { kind: "QUERY_KIND_CHANGED", unit: codes.at(-1), depth: depth - codes.length + 1 };
function mix64([unit, version]) {
	const x = big(BigInt(unit) * 0x9e3779b97f4a7c15n + version), y = big((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
	return [big((y ^ (y >> 27n)) * 0x94d049bb133111ebn)].map((z) => z ^ (z >> 31n))[0];
}
function take({ unit_number, version, previous, unit, tombstone, rows }) { // else it is held, or one before it was lost
	if (BigInt(previous) > (held.get(unit_number) ?? 0n) || (held.get(unit_number) ?? 0n) >= BigInt(version)) return;
	tombstone ? held.delete(unit_number) : held.set(unit_number, BigInt(version));
	console.log(unit, tombstone ? "gone" : rows.filter((row) => row.has_value).map((row) => [row.measure, row.value]));
}
(async function main(cut = 0n) {
	const sub = new zmq.Subscriber({ receiveTimeout: 5000 }), query = new zmq.Dealer({ receiveTimeout: 5000 }); // silence is an error
	sub.connect(publish), query.connect(ask), sub.subscribe(`coverage/${depth}/${path}/`, `seal/${depth}/${path}/~`);
	for await (const [topic, body] of sub) {
		const seal = String(topic).startsWith("seal/") ? decode("Seal", body) : take(decode("CoverageRecord", body));
		if (!seal || BigInt(seal.place.seq) < cut) continue;
		const isExact = seal.count === held.size && big([...held].reduce((sum, one) => sum + mix64(one), 0n)) === BigInt(seal.sum);
		isExact ? console.log("exact at", seal.place.seq, "units", held.size) : held.clear(); // joining, or something was lost:
		for (let page = null; !isExact && page?.length !== 0;) { // all is asked for
			await query.send(type("Query").encode(type("Query").fromObject({ ...question, min_seq: seal.place.seq, page })).finish());
			const { records, cut: place, next_page } = decode("Answer", (await query.receive())[0]);
			[cut, page] = [BigInt(place?.seq ?? 0), next_page, records.forEach(take)];
		}
	}
})();
