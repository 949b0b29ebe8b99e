#!/usr/bin/env python3
"""Do a model and its re-exported copy give the same bytes in LiteRT and in TensorFlow Lite Micro?

    cargo run -q -p tinsmith-core --example reexport -- OUT_DIR MODEL.tflite...
    python tests/peers/roundtrip.py OUT_DIR MODEL.tflite...

Needs `pip install ai-edge-litert tflite-micro numpy`. For each model, OUT_DIR holds NAME.tflite and NAME.stripped.tflite,
as the example writes them. Each is fed the same random inputs (full range of the input's integer type; normal for floats).
LiteRT runs its reference kernels without delegates. Where a runtime refuses the original (TFLM does so with hybrid models),
it must refuse the copy as well. Exits 1 if any output differs, a copy is refused, or is larger than its original.
"""

import argparse
import contextlib
import os
import pathlib
import sys

import numpy as np
from ai_edge_litert import interpreter as litert


class Refused(Exception):
    """A runtime does not take the file."""


@contextlib.contextmanager
def quiet():
    """The runtimes write to file descriptor 2 from C++."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def inputs_of(model: bytes, n: int, seed: int) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    details = litert.Interpreter(model_content=model).get_input_details()

    def one(detail):
        shape, dtype = detail["shape"], detail["dtype"]
        if np.issubdtype(dtype, np.integer):
            info = np.iinfo(dtype)
            return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
        return rng.standard_normal(shape).astype(dtype)

    return [[one(detail) for detail in details] for _ in range(n)]


def run_litert(model: bytes, samples) -> list[bytes]:
    try:
        resolver = litert.OpResolverType.BUILTIN_REF
        engine = litert.Interpreter(model_content=model, experimental_op_resolver_type=resolver)
        engine.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from error
    results = []
    for sample in samples:
        engine.reset_all_variables()
        for detail, values in zip(engine.get_input_details(), sample):
            engine.set_tensor(detail["index"], values)
        engine.invoke()
        results.append(b"".join(engine.get_tensor(d["index"]).tobytes() for d in engine.get_output_details()))
    return results


def run_tflm(model: bytes, samples) -> list[bytes]:
    from tflite_micro.python.tflite_micro import runtime

    try:
        with quiet():
            engine = runtime.Interpreter.from_bytes(model, arena_size=8 << 20)
    except (RuntimeError, ValueError) as error:
        raise Refused(str(error)) from error
    n_outputs = len(litert.Interpreter(model_content=model).get_output_details())
    results = []
    for sample in samples:
        engine.reset()
        for index, values in enumerate(sample):
            engine.set_input(values, index)
        with quiet():
            engine.invoke()
        results.append(b"".join(np.asarray(engine.get_output(i)).tobytes() for i in range(n_outputs)))
    return results


def outcome(run, model: bytes, samples):
    try:
        return run(model, samples)
    except (Refused, RuntimeError) as error:
        return f"refused: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def compare(original: bytes, copy: bytes, samples) -> list[str]:
    troubles = []
    if len(copy) > len(original):
        troubles.append(f"larger: {len(copy)} > {len(original)} bytes")
    for name, run in (("litert", run_litert), ("tflm", run_tflm)):
        before, after = outcome(run, original, samples), outcome(run, copy, samples)
        if isinstance(before, str) != isinstance(after, str):
            troubles.append(f"{name}: original {before if isinstance(before, str) else 'runs'}, copy {after if isinstance(after, str) else 'runs'}")
        elif not isinstance(before, str) and before != after:
            n_differing = sum(a != b for a, b in zip(before, after))
            troubles.append(f"{name}: {n_differing} of {len(samples)} outputs differ")
        elif isinstance(before, str):
            print(f"    {name}: both refused")
    return troubles


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("models", type=pathlib.Path, nargs="+")
    parser.add_argument("-n", type=int, default=10, help="inputs for each model")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = False
    for path in args.models:
        original = path.read_bytes()
        samples = inputs_of(original, args.n, args.seed)
        for copy_path in (args.out_dir / f"{path.stem}.tflite", args.out_dir / f"{path.stem}.stripped.tflite"):
            if not copy_path.exists():
                print(f"MISSING {copy_path.name}")
                failed = True
                continue
            copy = copy_path.read_bytes()
            troubles = compare(original, copy, samples)
            failed |= bool(troubles)
            print(f"{'FAIL' if troubles else 'ok  '} {copy_path.name}: {len(original)} -> {len(copy)} bytes {'; '.join(troubles)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
