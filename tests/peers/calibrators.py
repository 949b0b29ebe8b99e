#!/usr/bin/env python3
"""How near to float does each calibrator stay, on samples that it was not calibrated with?

    python tests/peers/calibrators.py target/release/tinsmith FOLDER... [--calibrators min-max percentile]

Needs `pip install numpy`. Each FOLDER holds NAME_float32.tflite and NAME_data.npz with `x` and `split`, NAME being the
folder's. Quantizes with the samples of the split `calibration`, with float ends so that outputs compare as they are, and
prints over all other samples how often the largest output is the float model's, and the mean distance of the outputs.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np


def outputs(binary, model, samples, folder):
    path = folder / "outputs.npy"
    subprocess.run([binary, "evaluate", model, "--data", samples, "--dump-outputs", path], check=True, capture_output=True)
    values = np.load(path)
    return values.reshape(len(values), -1).astype(np.float64)


def compare(binary, net, calibrators, folder):
    model, data = net / f"{net.name}_float32.tflite", net / f"{net.name}_data.npz"
    archive = np.load(data, allow_pickle=False)
    samples = folder / "samples.npz"
    np.savez(samples, x=archive["x"][archive["split"] != "calibration"].astype(np.float32))
    real = outputs(binary, model, samples, folder)
    for calibrator in calibrators:
        quantized = folder / "int8.tflite"
        step = f"quantize:calibrator={calibrator},io=float32"
        subprocess.run([binary, "quantize", model, "--calibrate", data, "--step", step, "-o", quantized], check=True, capture_output=True)
        candidate = outputs(binary, quantized, samples, folder)
        agreement = (candidate.argmax(1) == real.argmax(1)).mean()
        print(f"{net.name:20} {calibrator:15} {len(real)} samples  agreement {agreement:.4f}  mean |d| {np.abs(candidate - real).mean():.5f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("nets", type=pathlib.Path, nargs="+")
    parser.add_argument("--calibrators", nargs="+", default=["min-max", "percentile"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for net in args.nets:
            compare(args.binary, net, args.calibrators, pathlib.Path(folder))


main()
