#!/usr/bin/env python3
"""How near to float do 4-bit weights stay: Tinsmith's against ai-edge-quantizer's, on the same samples, in the same run.

    python tests/peers/int4.py target/release/tinsmith MODEL.tflite DATA.npz [--settings weight-range=mse rounding=adaptive ...]

Needs `pip install ai-edge-litert ai-edge-quantizer numpy`. DATA holds `x` and `split`, and `scale` and `zero_point` where `x` is integer.
Both calibrate on the split `calibration`; over the split `test` it prints how often the largest output is the float model's, and the mean
distance of the outputs. Models of Tinsmith have integers at both ends and are run by LiteRT as are the others, except where LiteRT has no
kernel: then by `tinsmith evaluate`, which computes what TensorFlow Lite Micro does.

ai-edge-quantizer has ready recipes for 4-bit weights with float activations (dynamic range, weights only); with 8-bit activations it is
asked for what its static recipe for 8 bits asks, with 4 bits, for CONV_2D and FULLY_CONNECTED or for the former alone, the rest at 8.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_quantizer import quantizer, recipe, recipe_manager
from ai_edge_quantizer.qtyping import TFLOperationName


def real(values, detail):
    scale, zero_point = detail["quantization"]
    return (values.astype(np.float64) - zero_point) * scale if scale else values.astype(np.float64)


def outputs(model, samples):
    """Outputs of LiteRT's reference kernels, real, [samples, classes]."""
    content = bytes(model)
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    [entry], [end] = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = entry["quantization"]
    if entry["dtype"] != np.float32:
        info = np.iinfo(entry["dtype"])
        samples = np.clip(np.rint(samples / scale) + zero_point, info.min, info.max).astype(entry["dtype"])
    results = []
    for sample in samples:
        interpreter.set_tensor(entry["index"], sample.reshape(entry["shape"]))
        interpreter.invoke()
        results.append(real(interpreter.get_tensor(end["index"])[0], end))
    return np.array(results)


def report(name, size, found, expected):
    agreement = (found.argmax(1) == expected.argmax(1)).mean()
    print(f"{name:58} {size:8} bytes  agreement {agreement:.4f}  mean |d| {np.abs(found - expected).mean():.5f}", flush=True)


def peers():
    """ai-edge-quantizer's recipes by name."""
    yield "dynamic, int4 per channel", recipe.dynamic_wi4c_afp32()
    yield "dynamic, int4 per channel, Hadamard rotation", recipe.dynamic_wi4c_hr_afp32()
    yield "dynamic, int4 blocks of 32", recipe.dynamic_wi4b32_afp32()
    yield "weights only, int4", recipe.weight_only_wi4_afp32()
    conv, dense, all_of_them = TFLOperationName.CONV_2D, TFLOperationName.FULLY_CONNECTED, TFLOperationName.ALL_SUPPORTED
    for name, four_bits in [
        ("static, int4 everywhere", [all_of_them]),
        ("static, int4 CONV_2D and FULLY_CONNECTED, int8", [conv, dense]),
        ("static, int4 CONV_2D, int8", [conv]),
    ]:
        manager = recipe_manager.RecipeManager()
        if all_of_them not in four_bits:
            manager.add_static_config(regex=".*", operation_name=all_of_them, activation_num_bits=8, weight_num_bits=8)
        for operation in four_bits:
            manager.add_static_config(regex=".*", operation_name=operation, activation_num_bits=8, weight_num_bits=4)
        yield name, manager.get_quantization_recipe()


def quantized_by_peer(model, peer_recipe, calibration):
    peer = quantizer.Quantizer(str(model), peer_recipe)
    if not peer.need_calibration:
        return peer.quantize().quantized_model
    interpreter = Interpreter(model_path=str(model))
    [(signature, ports)] = interpreter.get_signature_list().items()
    shape = interpreter.get_input_details()[0]["shape"]
    [port] = ports["inputs"]
    ranges = peer.calibrate({signature: [{port: sample.reshape(shape)} for sample in calibration]})
    return peer.quantize(ranges).quantized_model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--settings", nargs="*", default=["", "weight-range=mse", "rounding=adaptive"])
    args = parser.parse_args()
    archive = np.load(args.data, allow_pickle=False)
    x = archive["x"].astype(np.float32)
    if "scale" in archive:
        x = (x - np.float32(archive["zero_point"])) * np.float32(archive["scale"])
    calibration, test = x[archive["split"] == "calibration"], x[archive["split"] == "test"]
    expected = outputs(args.model.read_bytes(), test)
    print(f"calibrated on {len(calibration)} samples, compared on {len(test)}")
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "int4.tflite"
        for setting in args.settings:
            step = ",".join(filter(None, ["quantize:scheme=int4", setting]))
            command = [args.binary, "quantize", args.model, "--calibrate", args.data, "--step", step, "-o", target]
            subprocess.run(command, check=True, capture_output=True)
            report(f"tinsmith int4 {setting}", target.stat().st_size, outputs(target.read_bytes(), test), expected)
    for name, peer_recipe in peers():
        try:
            model = quantized_by_peer(args.model, peer_recipe, calibration)
            report(f"ai-edge-quantizer {name}", len(model), outputs(model, test), expected)
        except (RuntimeError, ValueError, NotImplementedError) as error:
            print(f"ai-edge-quantizer {name}: {str(error).splitlines()[0]}")


main()
