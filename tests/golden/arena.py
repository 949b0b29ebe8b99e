"""Arena figures of TensorFlow Lite Micro, measured: the truth for core/src/measure/arena.

usage: arena.py SHARED_DATA OUT.csv OPS_DIR
  SHARED_DATA  folder with mlperf_tiny/ and models/ (int8 and float .tflite files)
  OUT.csv      model, total, head, tail, min_arena in bytes; model is a path below SHARED_DATA or ops/NAME
  OPS_DIR      receives one small model for each operator and element type (own, made here)

head, tail and total are what `print_allocations` of tflite-micro's Python interpreter prints (64-bit host, reference
kernels, recording allocator); min_arena is the least multiple of 16 with which it sets up and runs, found by bisection, each
attempt in a process of its own. Models that TFLM refuses are left out.

Made with tflite-micro 0.dev20261023182759-g8f6596d, ai-edge-litert 2.3.0 (schema), numpy 2.4.6, Python 3.11.
"""
import glob, os, re, sys, tempfile
import numpy as np, flatbuffers
import ai_edge_litert.schema_py_generated as s
from tflite_micro import runtime

OPS, OPT = s.BuiltinOperator, s.BuiltinOptions
TYPES = {"f32": (s.TensorType.FLOAT32, np.float32), "i8": (s.TensorType.INT8, np.int8), "i16": (s.TensorType.INT16, np.int16)}
class B:
    def __init__(self):
        self.m = s.ModelT(); self.m.version = 3; self.m.description = ""; self.m.operatorCodes = []
        b = s.BufferT(); b.data = None; self.m.buffers = [b]
        self.g = s.SubGraphT(); self.g.name = ""; self.g.tensors = []; self.g.operators = []; self.m.subgraphs = [self.g]
    def tensor(self, shape, typ, scale=None, zp=0, data=None, axis=0):
        t = s.TensorT(); t.shape = np.array(shape, np.int32); t.type = typ; t.name = f"t{len(self.g.tensors)}"; t.buffer = 0
        if data is not None:
            b = s.BufferT(); b.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8); self.m.buffers.append(b); t.buffer = len(self.m.buffers)-1
        q = s.QuantizationParametersT()
        if scale is not None:
            q.scale = np.atleast_1d(np.array(scale, np.float32)); q.zeroPoint = np.full(len(q.scale), zp, np.int64); q.quantizedDimension = axis
        t.quantization = q; self.g.tensors.append(t); return len(self.g.tensors)-1
    def ints(self, values): v = np.array(values, np.int32); return self.tensor(v.shape, s.TensorType.INT32, data=v)
    def op(self, code, ins, outs, opt=None):
        c = s.OperatorCodeT(); c.builtinCode = code; c.deprecatedBuiltinCode = min(code,127); c.version = 1; self.m.operatorCodes.append(c)
        o = s.OperatorT(); o.opcodeIndex = len(self.m.operatorCodes)-1; o.inputs = np.array(ins, np.int32); o.outputs = np.array(outs, np.int32)
        if opt is not None:
            o.builtinOptionsType = getattr(OPT, type(opt).__name__[:-1]); o.builtinOptions = opt
        self.g.operators.append(o)
    def bytes(self, ins, outs):
        self.g.inputs = np.array(ins, np.int32); self.g.outputs = np.array(outs, np.int32)
        fb = flatbuffers.Builder(1<<14); fb.Finish(self.m.Pack(fb), file_identifier=b"TFL3"); return bytes(fb.Output())
def conv_opt(T, **k):
    o = T(); o.padding = 0; o.strideH = o.strideW = 1; o.dilationHFactor = o.dilationWFactor = 1
    for a, v in k.items(): setattr(o, a, v)
    return o
def models():
    for tn, (tt, nt) in TYPES.items():
        isint = tn != "f32"
        q = dict(scale=0.05, zp=-3 if tn == "i8" else 0) if isint else {}
        def act(b, shape, **kw): return b.tensor(shape, tt, **{**q, **kw} if isint else {})
        def weights(b, shape, axis=None, n=1):
            if not isint: return b.tensor(shape, tt, data=np.ones(shape, np.float32))
            return b.tensor(shape, s.TensorType.INT8, scale=np.full(n, 0.01), data=np.ones(shape, np.int8), axis=axis or 0)
        def bias(b, n, k):
            if not isint: return b.tensor([n], tt, data=np.zeros(n, np.float32))
            t, d = (s.TensorType.INT32, np.int32) if tn == "i8" else (s.TensorType.INT64, np.int64)
            return b.tensor([n], t, scale=np.full(k, 0.0005), data=np.zeros(n, d))
        # convolutions
        for c in (8, 5):
            b = B(); i = act(b, [1,6,6,4]); w = weights(b, [c,3,3,4], 0, c); bi = bias(b, c, c); o = act(b, [1,6,6,c])
            b.op(OPS.CONV_2D, [i,w,bi], [o], conv_opt(s.Conv2DOptionsT)); yield f"conv{c}_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,6,6,4]); w = weights(b, [8,3,3,4], 0, 8); o = act(b, [1,6,6,8])
        b.op(OPS.CONV_2D, [i,w], [o], conv_opt(s.Conv2DOptionsT)); yield f"conv_nobias_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,6,6,4]); w = weights(b, [1,3,3,8], 3, 8); bi = bias(b, 8, 8); o = act(b, [1,6,6,8])
        b.op(OPS.DEPTHWISE_CONV_2D, [i,w,bi], [o], conv_opt(s.DepthwiseConv2DOptionsT, depthMultiplier=2)); yield f"depthwise_{tn}", b.bytes([i],[o])
        for k in (1, 6) if isint else (1,):
            b = B(); i = act(b, [1,12]); w = weights(b, [6,12], 0, k); bi = bias(b, 6, k); o = act(b, [1,6])
            b.op(OPS.FULLY_CONNECTED, [i,w,bi], [o], s.FullyConnectedOptionsT()); yield f"dense{k}_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,12]); w = weights(b, [6,12], 0, 1); o = act(b, [1,6])
        b.op(OPS.FULLY_CONNECTED, [i,w,-1], [o], s.FullyConnectedOptionsT()); yield f"dense_nobias_{tn}", b.bytes([i],[o])
        for nm, code, T in (("add", OPS.ADD, s.AddOptionsT), ("sub", OPS.SUB, s.SubOptionsT), ("mul", OPS.MUL, s.MulOptionsT)):
            b = B(); i = act(b, [1,24]); j = act(b, [1,24]); o = act(b, [1,24]); b.op(code, [i,j], [o], T()); yield f"{nm}_{tn}", b.bytes([i,j],[o])
        for nm, code in (("avgpool", OPS.AVERAGE_POOL_2D), ("maxpool", OPS.MAX_POOL_2D)):
            b = B(); i = act(b, [1,6,6,4]); o = act(b, [1,3,3,4]); p = s.Pool2DOptionsT(); p.padding = 1; p.strideH = p.strideW = p.filterHeight = p.filterWidth = 2
            b.op(code, [i], [o], p); yield f"{nm}_{tn}", b.bytes([i],[o])
        for nm, code in (("mean", OPS.MEAN), ("sum", OPS.SUM)):
            b = B(); i = act(b, [1,6,6,4]); a = b.ints([1,2]); o = act(b, [1,4]); p = s.ReducerOptionsT(); p.keepDims = False
            b.op(code, [i,a], [o], p); yield f"{nm}_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,6,6,4]); a = b.ints([[0,0],[1,1],[1,1],[0,0]]); o = act(b, [1,8,8,4]); b.op(OPS.PAD, [i,a], [o], s.PadOptionsT()); yield f"pad_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,12]); o = act(b, [1,12], **(dict(scale=1/256, zp=-128) if tn=="i8" else dict(scale=1/32768, zp=0))); p = s.SoftmaxOptionsT(); p.beta = 1.0
        b.op(OPS.SOFTMAX, [i], [o], p); yield f"softmax_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); o = act(b, [1,24], **(dict(scale=1/256, zp=-128) if tn=="i8" else dict(scale=1/32768, zp=0))); b.op(OPS.LOGISTIC, [i], [o]); yield f"logistic_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); o = act(b, [1,24], **(dict(scale=1/128, zp=0) if tn=="i8" else dict(scale=1/32768, zp=0))); b.op(OPS.TANH, [i], [o]); yield f"tanh_{tn}", b.bytes([i],[o])
        for nm, code, opt in (("relu", OPS.RELU, None), ("relu6", OPS.RELU6, None), ("relu_n1_to_1", OPS.RELU_N1_TO_1, None), ("hard_swish", OPS.HARD_SWISH, s.HardSwishOptionsT()), ("leaky_relu", OPS.LEAKY_RELU, s.LeakyReluOptionsT())):
            b = B(); i = act(b, [1,24]); o = act(b, [1,24]); b.op(code, [i], [o], opt); yield f"{nm}_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); a = b.ints([1,4,6]); o = act(b, [1,4,6]); p = s.ReshapeOptionsT(); p.newShape = np.array([1,4,6], np.int32); b.op(OPS.RESHAPE, [i,a], [o], p); yield f"reshape_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); o = act(b, [24]); p = s.SqueezeOptionsT(); p.squeezeDims = np.array([0], np.int32); b.op(OPS.SQUEEZE, [i], [o], p); yield f"squeeze_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); a = b.ints([0]); o = act(b, [1,1,24]); b.op(OPS.EXPAND_DIMS, [i,a], [o], s.ExpandDimsOptionsT()); yield f"expand_dims_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [4,6]); a = b.ints([1,0]); o = act(b, [6,4]); b.op(OPS.TRANSPOSE, [i,a], [o], s.TransposeOptionsT()); yield f"transpose_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); j = act(b, [1,8]); o = act(b, [1,32]); p = s.ConcatenationOptionsT(); p.axis = 1; b.op(OPS.CONCATENATION, [i,j], [o], p); yield f"concat_{tn}", b.bytes([i,j],[o])
        b = B(); a = b.tensor([], s.TensorType.INT32, data=np.array(1, np.int32)); i = act(b, [1,24]); o = act(b, [1,12]); o2 = act(b, [1,12]); p = s.SplitOptionsT(); p.numSplits = 2; b.op(OPS.SPLIT, [a,i], [o,o2], p); yield f"split_{tn}", b.bytes([i],[o,o2])
        b = B(); i = act(b, [24]); j = act(b, [24]); o = act(b, [2,24]); p = s.PackOptionsT(); p.axis = 0; p.valuesCount = 2; b.op(OPS.PACK, [i,j], [o], p); yield f"pack_{tn}", b.bytes([i,j],[o])
        b = B(); i = act(b, [1,24]); x = b.ints([0,2]); y = b.ints([1,12]); z = b.ints([1,1]); o = act(b, [1,10]); b.op(OPS.STRIDED_SLICE, [i,x,y,z], [o], s.StridedSliceOptionsT()); yield f"strided_slice_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); o = b.tensor([2], s.TensorType.INT32); p = s.ShapeOptionsT(); p.outType = s.TensorType.INT32; b.op(OPS.SHAPE, [i], [o], p); yield f"shape_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,24]); o = b.tensor([1,24], s.TensorType.INT8, scale=0.03, zp=2); b.op(OPS.QUANTIZE, [i], [o], s.QuantizeOptionsT()); yield f"quantize_{tn}", b.bytes([i],[o])
        if isint:
            b = B(); i = act(b, [1,24]); o = b.tensor([1,24], s.TensorType.FLOAT32); b.op(OPS.DEQUANTIZE, [i], [o], s.DequantizeOptionsT()); yield f"dequantize_{tn}", b.bytes([i],[o])
        b = B(); i = act(b, [1,3,3,4]); a = b.ints([6,6]); o = act(b, [1,6,6,4]); b.op(OPS.RESIZE_NEAREST_NEIGHBOR, [i,a], [o], s.ResizeNearestNeighborOptionsT()); yield f"resize_{tn}", b.bytes([i],[o])


def attempt(blob, arena, report=False):
    """Sets up and runs once in a child process: whether it worked, and what it printed."""
    f = tempfile.TemporaryFile(); sys.stdout.flush(); sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.dup2(f.fileno(), 1); os.dup2(f.fileno(), 2)
        code = 0
        try:
            it = runtime.Interpreter.from_bytes(blob, arena_size=arena, intrepreter_config=runtime.InterpreterConfig.kAllocationRecording)
            it.invoke()
            if report: it.print_allocations()
        except BaseException: code = 1
        sys.stdout.flush(); os._exit(code)
    _, status = os.waitpid(pid, 0)
    f.seek(0); return status == 0, f.read().decode(errors="replace")


def figures(blob):
    ok, text = attempt(blob, 64 << 20, report=True)
    if not ok: return None
    part = lambda name: int(re.search(rf"Arena allocation {name} (\d+)", text).group(1))
    low, high = 0, (part("total") * 2 + 8192) // 16 * 16
    while high - low > 16:
        middle = (low + high) // 2 // 16 * 16
        if attempt(blob, middle)[0]: high = middle
        else: low = middle
    return part("total"), part("head"), part("tail"), high


def main(data, out, ops):
    rows = []
    for path in sorted(glob.glob(f"{data}/mlperf_tiny/*/*.tflite") + glob.glob(f"{data}/models/*/*.tflite")):
        rows.append((os.path.relpath(path, data), figures(open(path, "rb").read())))
    os.makedirs(ops, exist_ok=True)
    for name, blob in models():
        found = figures(blob)
        if found: open(os.path.join(ops, name + ".tflite"), "wb").write(blob)
        rows.append(("ops/" + name, found))
    with open(out, "w") as f:
        f.write("model,total,head,tail,min_arena\n")
        for name, found in rows:
            if found: f.write(",".join([name, *map(str, found)]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
