"""Exact integer evaluation against TensorFlow Lite Micro and LiteRT in the same run: CPU microseconds a sample, one thread.

usage: speed.py [--bench PROGRAM] MODEL.tflite [MODEL.tflite ...]
           PROGRAM: what `cargo bench -p tinsmith-core --bench int8 --no-run` built; without it cargo is asked
Every figure is the least of several repetitions, so that a busy machine does little harm; the ratios are what to quote.
TensorFlow Lite Micro computes the same bytes as Tinsmith; LiteRT's XNNPACK does not (it rounds once).
"""
import argparse, json, os, subprocess, sys, time
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def least(run, samples=1, seconds=0.15, repetitions=7):
    """Least CPU microseconds of a sample; `run` computes `samples` of them."""
    run(); t = time.process_time(); run(); once = max(time.process_time() - t, 1e-6); n = max(1, int(seconds / once)); best = float("inf")
    for _ in range(repetitions):
        t = time.process_time()
        for _ in range(n): run()
        best = min(best, (time.process_time() - t) * 1e6 / (n * samples))
    return best


def random(detail, rng):
    if detail["dtype"] == np.float32: return rng.standard_normal(detail["shape"]).astype(np.float32)
    info = np.iinfo(detail["dtype"]); return rng.integers(info.min, info.max + 1, detail["shape"]).astype(detail["dtype"])


def litert(path, resolver):
    it = Interpreter(model_path=path, num_threads=1, experimental_op_resolver_type=resolver); it.allocate_tensors(); rng = np.random.default_rng(1)
    for d in it.get_input_details(): it.set_tensor(d["index"], random(d, rng))
    return it


def peers(path):
    xnn = litert(path, OpResolverType.AUTO); rng = np.random.default_rng(1); out = {"xnnpack": least(xnn.invoke)}
    out["litert_reference"] = least(litert(path, OpResolverType.BUILTIN_REF).invoke)
    try:
        it = runtime.Interpreter.from_file(path)
        for i, d in enumerate(xnn.get_input_details()): it.set_input(random(d, rng), i)
        out["tflm"] = least(it.invoke)
    except Exception as e: print(f"tflite-micro refuses {os.path.basename(path)}: {e}", file=sys.stderr)
    return out


def ours(program, path):
    command = [program] if program else ["cargo", "bench", "-q", "-p", "tinsmith-core", "--bench", "int8", "--"]
    lines = subprocess.run([*command, os.path.abspath(path)], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]; best = {}
    for row in rows: best[row["isa"]] = min(best.get(row["isa"], float("inf")), row["us_per_sample"])
    return best


def main():
    ap = argparse.ArgumentParser(); ap.add_argument("--bench"); ap.add_argument("models", nargs="+"); a = ap.parse_args()
    print(f"{'model':28}{'instructions':>14}{'us':>9}{'TFLM us':>9}{'ratio':>8}{'XNNPACK us':>12}{'ratio':>7}")
    for path in a.models:
        theirs = peers(path); name = os.path.basename(path)[:27]
        for isa, us in ours(a.bench, path).items():
            tflm = theirs.get("tflm", float("nan")); print(f"{name:28}{isa:>14}{us:9.2f}{tflm:9.1f}{tflm / us:7.1f}x{theirs['xnnpack']:12.2f}{theirs['xnnpack'] / us:6.2f}x", flush=True)


if __name__ == "__main__":
    main()
