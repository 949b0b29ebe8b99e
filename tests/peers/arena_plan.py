"""Two files of one model in TensorFlow Lite Micro: do they compute the same, and how much memory do they take?

usage: arena_plan.py A.tflite ARENA_A B.tflite ARENA_B RUNS
Each is set up in an arena of the given size, which has to suffice, and run on the same RUNS random inputs. Prints
"same OUTPUT TOTAL_A HEAD_A TAIL_A TOTAL_B HEAD_B TAIL_B" with OUTPUT 1 if every output byte agrees.
"""
import os, re, sys, tempfile
import numpy as np
from tflite_micro import runtime


def run(path, arena, inputs):
    capture = tempfile.TemporaryFile()
    it = runtime.Interpreter.from_file(path, arena_size=arena, intrepreter_config=runtime.InterpreterConfig.kAllocationRecording)
    outputs = []
    for x in inputs:
        it.set_input(x, 0)
        it.invoke()
        outputs.append(np.array(it.get_output(0)).tobytes())
    saved = os.dup(2), os.dup(1)
    os.dup2(capture.fileno(), 2), os.dup2(capture.fileno(), 1)
    it.print_allocations()
    sys.stdout.flush()
    os.dup2(saved[0], 2), os.dup2(saved[1], 1)
    capture.seek(0)
    text = capture.read().decode()
    return outputs, [re.search(rf"Arena allocation {part} (\d+)", text).group(1) for part in ("total", "head", "tail")]


def main(a, arena_a, b, arena_b, runs):
    detail = runtime.Interpreter.from_file(a).get_input_details(0)
    random = np.random.default_rng(7)
    shape = [int(d) for d in detail["shape"]]
    if np.issubdtype(detail["dtype"], np.integer):
        inputs = random.integers(-128, 128, (int(runs), *shape)).astype(detail["dtype"])
    else:
        inputs = random.normal(size=(int(runs), *shape)).astype(detail["dtype"])
    outputs_a, memory_a = run(a, int(arena_a), inputs)
    outputs_b, memory_b = run(b, int(arena_b), inputs)
    print("same", int(outputs_a == outputs_b), *memory_a, *memory_b)


if __name__ == "__main__":
    main(*sys.argv[1:])
