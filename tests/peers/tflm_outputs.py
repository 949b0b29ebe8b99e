"""Runs a model in TensorFlow Lite Micro and saves its outputs.

usage: tflm_outputs.py MODEL.tflite INPUTS.npy OUTPUTS.npy

INPUTS holds [samples, ...] of the model's own input type; OUTPUTS gets [samples, ...] of its output type.
"""
import sys

import numpy as np
from tflite_micro.python.tflite_micro import runtime

model, inputs, outputs = sys.argv[1:]
interpreter = runtime.Interpreter.from_file(model)
shape = interpreter.get_input_details(0)["shape"]
results = []
for sample in np.load(inputs):
    interpreter.reset()  # each sample starts from the state of a fresh model
    interpreter.set_input(np.ascontiguousarray(sample.reshape(shape)), 0)
    interpreter.invoke()
    results.append(interpreter.get_output(0)[0].copy())
np.save(outputs, np.array(results))
