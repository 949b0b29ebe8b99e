#!/usr/bin/env python3
"""What LiteRT's reference kernels make of some samples.

    python tests/peers/litert_outputs.py MODEL.tflite INPUTS.npy OUTPUTS.npy

Needs `pip install ai-edge-litert numpy`. INPUTS holds one sample a row, of the type that the model takes.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

model, inputs, outputs = sys.argv[1:]
interpreter = Interpreter(model_path=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
interpreter.allocate_tensors()
[entry], [end] = interpreter.get_input_details(), interpreter.get_output_details()
results = []
for sample in np.load(inputs):
    interpreter.set_tensor(entry["index"], np.ascontiguousarray(sample.reshape(entry["shape"])))
    interpreter.invoke()
    results.append(interpreter.get_tensor(end["index"])[0].copy())
np.save(outputs, np.array(results))
