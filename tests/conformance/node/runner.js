// The conformance vectors with protobufjs and zeromq: runner.js PROTO VECTORS_DIR, inside with_daemon.py, NODE_PATH to their modules.
//
// Codec: every vector of wire/ is decoded, compared with its JSON, and encoded to the same bytes; so are the messages of the steps. Live:
// every step of conformance/live.json is sent, and its answer compared with what the step expects. Format: conformance/make.py.
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const protobuf = require("protobufjs");
const zmq = require("zeromq");

const WAIT_MS = 20000;
const [, , proto, vectors] = process.argv;
const root = new protobuf.Root().loadSync(proto, { keepCase: true });
const type = (name) => root.lookupType("baophu.v1." + name);
const endpoint = (to) => process.env["BAOPHU_" + to.toUpperCase()];

// Numbers become text: a double does not hold 64 bits, so what is longer than 15 digits must never be one.
const quote = (text) => text.replace(/([:[,]\s*)(-?\d{16,})/g, '$1"$2"');
const readJson = (...names) => JSON.parse(quote(fs.readFileSync(path.join(vectors, ...names), "utf8")));
function plain(value) {
	if (Array.isArray(value))
		return value.map(plain);
	if (value !== null && typeof value === "object")
		return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
	return typeof value === "number" ? String(value) : value;
}
const toJson = (kind, message) => plain(type(kind).toObject(message, { longs: String, enums: String, bytes: String }));

function checkCodec(name, kind, bytes, fields) {
	assert.deepStrictEqual(toJson(kind, type(kind).decode(bytes)), plain(fields), `${name}: decoded otherwise`);
	const encoded = Buffer.from(type(kind).encode(type(kind).fromObject(fields)).finish());
	assert.strictEqual(encoded.toString("hex"), bytes.toString("hex"), `${name}: encoded otherwise`);
}

// Null is absence; what is not named may be anything.
function matches(got, want) {
	if (Array.isArray(want))
		return Array.isArray(got) && got.length === want.length && want.every((inner, i) => matches(got[i], inner));
	if (want === null || typeof want !== "object")
		return got === want;
	return got !== null && typeof got === "object" &&
		Object.entries(want).every(([key, inner]) => (inner === null ? !(key in got) : key in got && matches(got[key], inner)));
}
function check(name, got, want) {
	assert(matches(got, plain(want)), `${name}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
}

const connections = new Map();
const receipts = new Map();
function connection(step) {
	if (!connections.has(step.from)) {
		const socket = new zmq.Dealer({ linger: 0, receiveTimeout: WAIT_MS });
		socket.connect(endpoint(step.to));
		connections.set(step.from, socket);
	}
	return connections.get(step.from);
}

function bytesOf(step) {
	if (!step.release_of)
		return Buffer.concat(Array(step.repeat ?? 1).fill(Buffer.from(step.hex, "hex")));
	const { epoch, number } = step;
	const seq = type("Receipt").decode(receipts.get(step.release_of)).place.seq;
	const payload = type("Payload").encode({ agent: step.from, epoch, number, entries: [{ held: { seq, release: true } }] }).finish();
	return type("AgentMessage").encode({ update: { epoch, number, payload } }).finish();
}

// The first answer is that to what is sent afterwards: a Beat without a session. It is sent until one comes through.
async function nothing(step, socket) {
	await socket.send(bytesOf(step));
	socket.receiveTimeout = 100;
	for (let i = 0; i < WAIT_MS / 100; i++) {
		await socket.send(type("AgentMessage").encode({ beat: {} }).finish());
		const got = await socket.receive().catch(() => null);
		if (!got)
			continue;
		check(step.name, toJson("CollectorMessage", type("CollectorMessage").decode(got[0])), { turned: { code: "CODE_EPOCH" } });
		return;
	}
	assert.fail(`${step.name}: the collector does not answer any more`);
}

// The first answer that is not "later".
async function ask(step, socket) {
	const wanted = JSON.stringify(step.expect);
	for (;;) {
		await socket.send(bytesOf(step));
		const [bytes] = await socket.receive();
		const got = toJson(step.expect.message, type(step.expect.message).decode(bytes));
		const code = got.not_now?.code ?? got.code;
		if ((code !== "CODE_BUSY" && code !== "CODE_INDEXING") || wanted.includes(code))
			return got;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

async function run(step) {
	const { expect } = step;
	const socket = connection(step);
	if (expect.nothing)
		return nothing(step, socket);
	const got = await ask(step, socket);
	check(step.name, got, expect.fields ?? {});
	if (expect.receipt) {
		assert(got.receipts, `${step.name}: no receipt: ${JSON.stringify(got)}`);
		receipts.set(step.name, Buffer.from(got.receipts.items[0].receipt, "base64"));
		check(step.name, toJson("Receipt", type("Receipt").decode(receipts.get(step.name))), expect.receipt);
	}
	if (expect.same_as)
		assert.deepStrictEqual(receipts.get(step.name), receipts.get(expect.same_as), `${step.name}: another receipt`);
	if (expect.row) {
		const rows = got.records.flatMap((record) => record.rows ?? []);
		const row = rows.filter(({ kind, measure }) => kind === expect.row.kind && measure === expect.row.measure);
		assert(row.some((one) => matches(one, plain(expect.row))), `${step.name}: ${JSON.stringify(row)}`);
	}
}

async function main() {
	const names = fs.readdirSync(path.join(vectors, "wire")).filter((name) => name.endsWith(".hex"));
	for (const name of names) {
		const vector = readJson("wire", name.replace(/hex$/, "json"));
		const hex = fs.readFileSync(path.join(vectors, "wire", name), "ascii").trim();
		checkCodec(name, vector.message, Buffer.from(hex, "hex"), vector.fields);
	}
	const live = readJson("conformance", "live.json");
	for (const step of live.steps) {
		if (step.fields)
			checkCodec(step.name, step.message, Buffer.from(step.hex, "hex"), step.fields);
		if (step.payload && step.fields)
			checkCodec(step.name, "Payload", Buffer.from(step.fields.update.payload, "base64"), step.payload);
		await run(step);
	}
	console.log(`${names.length} vectors of messages, ${live.steps.length} live steps`);
	for (const socket of connections.values())
		socket.close();
}

main().catch((error) => {
	console.error(`runner.js: ${error.message}`);
	process.exitCode = 1;
	for (const socket of connections.values())
		socket.close();
});
