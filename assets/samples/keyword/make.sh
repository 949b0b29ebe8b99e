#!/bin/sh
# Makes the keyword sample anew: speech -> features -> network. The output is committed: run this only to change it.
# Needs espeak-ng, and Python 3.11 or newer for the training; takes about ten minutes of two idle cores and 500 MB of /tmp.
#
#   sh assets/samples/keyword/make.sh
#   PYTHON=/path/to/python sh assets/samples/keyword/make.sh     with requirements.txt already installed there
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1

command -v espeak-ng >/dev/null || { echo "no espeak-ng: apt-get install espeak-ng" >&2; exit 1; }
if [ -z "${PYTHON:-}" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
    PYTHON=$work/venv/bin/python
fi

"$PYTHON" "$here/synthesize.py" "$work/clips"
(cd "$here" && cargo run --quiet -p tinsmith-core --example keyword_features -- "$work/clips" "$work/features.npy")
"$PYTHON" "$here/train.py" "$work/clips/clips.csv" "$work/features.npy"

# To listen to, and to try the window's WAV import with: the first test clip of each label, as it comes.
rm -rf "$here/clips"
mkdir "$here/clips"
awk -F, '$2 == "test" && !seen[$3]++ { print $1, $3 }' "$work/clips/clips.csv" | while read -r file label; do
    cp "$work/clips/$file" "$here/clips/$label.wav"
done

"$PYTHON" "$here/check.py"
(cd "$here/../../.." && cargo run --quiet -p tinsmith-core --example keyword_project -- \
    assets/samples/keyword/keyword_float32.tflite assets/samples/keyword/keyword.npz esp32-s3 \
    "Ten words, spoken by espeak-ng. assets/samples/keyword/README.md says how the sample was made." projects/keyword.ron)
