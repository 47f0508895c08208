// Reports one figure: node sender.js baophu.proto tcp://127.0.0.1:7101 AGENT UNIT MEASURE YYYYMMDD VALUE
const [zmq, protobuf] = [require("zeromq"), require("protobufjs")];
const [, , proto, endpoint, agent, unit, measure, date, value] = process.argv;
const root = new protobuf.Root().loadSync(proto, { keepCase: true }), type = (name) => root.lookupType("baophu.v1." + name);
const encode = (name, fields) => type(name).encode(type(name).fromObject(fields)).finish();
const decode = (name, bytes) => type(name).toObject(type(name).decode(bytes), { enums: String, longs: String });
async function main() {
	const socket = new zmq.Dealer({ linger: 0, receiveTimeout: 5000 });
	socket.connect(endpoint);
	let update, hello = { hello: { protocol: 1, agent } }, message = hello; // no epoch: a new one
	for (;;) {
		await socket.send(encode("AgentMessage", message));
		const frames = await socket.receive().catch(() => null);
		const { welcome, turned, not_now, receipts } = frames ? decode("CollectorMessage", frames[0]) : {};
		if (welcome && !update) { // from here on the same bytes, however often they are sent: decided once
			const place = { epoch: welcome.epoch, number: welcome.next };
			const payload = encode("Payload", { agent, ...place, entries: [{ fact: { unit, measure, to: Number(date), value } }] });
			[update, hello] = [{ update: { ...place, payload } }, { hello: { ...hello.hello, epoch: welcome.epoch } }];
		} else if (turned && turned.code !== "CODE_EPOCH") {
			throw new Error(turned.code);
		} else if (receipts) {
			const { verdict, code, place } = decode("Receipt", receipts.items[0].receipt);
			return console.log(verdict, code ?? "CODE_NONE", place.seq, (process.exitCode = Number(verdict !== "VERDICT_APPLIED")));
		}
		await new Promise((resolve) => setTimeout(resolve, not_now?.retry_after_ms ?? 0));
		message = !frames || turned ? hello : update; // a collector that was started again wants a Hello first
	}
}
main();
