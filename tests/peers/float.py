#!/usr/bin/env python3
"""Does the float executor agree with LiteRT, and how fast is it beside XNNPACK?

    cargo build --release -p tinsmith-core --example run_float
    python tests/peers/float.py target/release/examples/run_float MODEL.tflite... [--samples 64] [--seconds 2] [--golden DIR]

Needs `pip install ai-edge-litert numpy`. Every model with float inputs gets the same samples: those of an .npz beside it
whose `x` fits, else random ones. Outputs are held to LiteRT's reference kernels: the largest difference, relative to the
largest output (or 1), has to stay below 1e-5 and the largest output of each sample has to be the same one, for hybrid models
(int8 weights, activations quantized on the way) as well. Times are the least per sample
on one thread: of the executor's clock, of XNNPACK's CPU time with batch 1, as its users run it. On a busy machine take few
samples (--samples 8): a long repetition is always interrupted. With --golden, inputs and outputs of four samples are
written as NAME.x.npy and NAME.y.npy. Exits 1 if a model differs.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from ai_edge_litert import interpreter as litert


def interpreter(path, reference):
    kind = litert.OpResolverType.BUILTIN_REF if reference else litert.OpResolverType.AUTO
    it = litert.Interpreter(model_path=str(path), experimental_op_resolver_type=kind, num_threads=1)
    it.allocate_tensors()
    return it, it.get_input_details(), it.get_output_details()


def samples_for(path, shape, n, rng):
    for archive in sorted(path.parent.glob("*.npz")):
        x = np.load(archive, allow_pickle=False).get("x")
        if x is not None and x.dtype == np.float32 and x[0].size == np.prod(shape):
            return x[rng.permutation(len(x))[:n]].reshape(-1, *shape[1:])
    return rng.standard_normal((n, *shape[1:])).astype(np.float32)


def run(it, inputs, outputs, samples):
    results = []
    for x in samples:
        # A fused LSTM keeps its state from one run to the next.
        it.reset_all_variables()
        it.set_tensor(inputs[0]["index"], x[None])
        it.invoke()
        results.append(it.get_tensor(outputs[0]["index"]).reshape(-1).copy())
    return np.array(results)


def least_cpu_us(it, seconds):
    it.invoke()
    least, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.process_time()
        for _ in range(50):
            it.invoke()
        least = min(least, (time.process_time() - start) / 50)
    return least * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_float", type=pathlib.Path)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--golden", type=pathlib.Path)
    arguments = parser.parse_args()
    failed = False
    for path in arguments.models:
        try:
            reference, inputs, outputs = interpreter(path, True)
        except (RuntimeError, ValueError) as error:
            print(f"{path.name:44s} LiteRT refuses: {str(error).splitlines()[0][:60]}")
            continue
        if inputs[0]["dtype"] != np.float32 or len(inputs) != 1:
            continue
        rng = np.random.default_rng(7)
        x = np.ascontiguousarray(samples_for(path, inputs[0]["shape"], arguments.samples, rng))
        expected = run(reference, inputs, outputs, x)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            np.save(folder / "x.npy", x)
            command = [arguments.run_float, path, folder / "x.npy", folder / "y.npy", str(arguments.seconds)]
            ours = subprocess.run(command, capture_output=True, text=True)
            if ours.returncode != 0:
                print(f"{path.name:44s} refused: {ours.stderr.strip().splitlines()[-1][:100]}")
                continue
            actual = np.load(folder / "y.npy")
        error = np.abs(actual - expected).max() / max(1.0, np.abs(expected).max())
        flips = int((actual.argmax(1) != expected.argmax(1)).sum())
        good = error <= 1e-5 and flips == 0
        failed |= not good
        line = f"{path.name:44s} error {error:.1e} flips {flips}/{len(x)} {'ok' if good else 'DIFFERS'}"
        if arguments.seconds > 0:
            xnnpack, *_ = interpreter(path, False)
            peer, own = least_cpu_us(xnnpack, arguments.seconds), float(ours.stdout)
            line += f"  {own:8.2f} us, XNNPACK {peer:8.2f} us, ratio {own / peer:.2f}"
        print(line, flush=True)
        if arguments.golden:
            arguments.golden.mkdir(parents=True, exist_ok=True)
            np.save(arguments.golden / f"{path.stem}.x.npy", x[:4])
            np.save(arguments.golden / f"{path.stem}.y.npy", expected[:4])
    sys.exit(failed)


main()
