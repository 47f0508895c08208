#!/usr/bin/python3
"""make.py - writes the bytes of the wire's golden vectors from their JSON, with an implementation that is not ours.

Each <name>.json says which message of baophu.v1 it is and its fields in protobuf's JSON mapping; <name>.hex holds the bytes that
Google's protobuf makes of them. refusals.json lists bytes that must be refused; each has either fields, or raw pieces of hex.
Run it only when the .proto has changed on purpose: what travelled once must stay readable.
Does not read or write anything outside this directory but the .proto. Needs protoc and python3-protobuf.
"""
import json
import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

here = pathlib.Path(__file__).resolve().parent
proto_dir = here.parents[2] / "proto"


def load_messages():
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{proto_dir}", f"--descriptor_set_out={out.name}", "baophu/v1/baophu.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName("baophu.v1." + name))


def encode(message_of, name, fields):
    message = message_of(name)()
    json_format.ParseDict(fields, message)
    return message.SerializeToString(deterministic=True).hex()


def main():
    message_of = load_messages()
    for path in sorted(here.glob("*.json")):
        vector = json.loads(path.read_text())
        if path.name == "refusals.json":
            for refusal in vector:
                if "fields" in refusal:
                    refusal["hex"] = encode(message_of, refusal["message"], refusal["fields"])
                else:
                    refusal["hex"] = "".join(refusal["raw"])
            path.write_text(json.dumps(vector, indent=1, ensure_ascii=False) + "\n")
        else:
            path.with_suffix(".hex").write_text(encode(message_of, vector["message"], vector["fields"]) + "\n")


if __name__ == "__main__":
    main()
