#!/bin/sh
# Writes the modules of the protocol's messages anew. With --check it only says
# whether they are what the .proto gives. Needs grpcio-tools.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${PYTHON:-python3}" -m grpc_tools.protoc -I ../../proto \
    --python_out="$out" --pyi_out="$out" hats/ipc/v1.proto
for name in v1_pb2.py v1_pb2.pyi; do
    if [ "${1:-}" = --check ]; then
        # Another generator may phrase it differently; the messages are the same.
        grep -h '^DESCRIPTOR = ' "$out/hats/ipc/v1_pb2.py" >"$out/new"
        grep -h '^DESCRIPTOR = ' src/hats_client/v1_pb2.py >"$out/old"
        cmp -s "$out/new" "$out/old" || {
            echo "deploy/python: v1_pb2 is not of proto/hats/ipc/v1.proto: run generate.sh" >&2
            exit 1
        }
    else
        cp "$out/hats/ipc/$name" src/hats_client/
    fi
done
