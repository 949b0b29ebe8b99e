#!/usr/bin/env python3
"""Runs models of one operator each in LiteRT and in TensorFlow Lite Micro.

    operators.py FOLDER

For each NAME.tflite with its inputs NAME.x0.npy, NAME.x1.npy... ([samples, ...]), writes NAME.litert.y0.npy... and
NAME.tflm.y0.npy..., or NAME.litert.refused, NAME.tflm.refused with the reason. LiteRT runs its reference kernels where it has
one; state starts anew with each sample.
"""
import pathlib
import sys

import numpy as np
from ai_edge_litert import interpreter as litert
from roundtrip import quiet
from tflite_micro.python.tflite_micro import runtime


def open_litert(model):
    kinds = litert.OpResolverType
    try:
        return litert.Interpreter(model_content=model, experimental_op_resolver_type=kinds.BUILTIN_REF)
    except ValueError:
        return litert.Interpreter(
            model_content=model, experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )


def run_litert(model, samples):
    engine = open_litert(model)
    engine.allocate_tensors()
    for sample in samples:
        engine.reset_all_variables()
        for detail, values in zip(engine.get_input_details(), sample):
            engine.set_tensor(detail["index"], values.reshape(detail["shape"]))
        engine.invoke()
        yield [engine.get_tensor(detail["index"]) for detail in engine.get_output_details()]


def run_tflm(model, samples):
    details = litert.Interpreter(model_content=model)
    shapes = [detail["shape"] for detail in details.get_input_details()]
    engine = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    for sample in samples:
        engine.reset()
        for index, (values, shape) in enumerate(zip(sample, shapes)):
            engine.set_input(np.ascontiguousarray(values.reshape(shape)), index)
        engine.invoke()
        yield [np.array(engine.get_output(i)) for i in range(len(details.get_output_details()))]


folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.tflite")):
    model = path.read_bytes()
    inputs = [np.load(x) for x in sorted(folder.glob(f"{path.stem}.x*.npy"))]
    samples = list(zip(*inputs))
    for name, run in (("litert", run_litert), ("tflm", run_tflm)):
        try:
            with quiet():
                results = list(run(model, samples))
        except (RuntimeError, ValueError) as error:
            (folder / f"{path.stem}.{name}.refused").write_text(str(error))
            continue
        for index, values in enumerate(zip(*results)):
            np.save(folder / f"{path.stem}.{name}.y{index}.npy", np.array(values))
