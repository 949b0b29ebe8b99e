//! A model for TensorFlow Lite Micro: a C header, the model as C data, the operators it needs, and the few calls that run it.
//!
//! | file | language | what |
//! | --- | --- | --- |
//! | `NAME_model.h` | C, C++ | sizes, scales, labels, and the functions below |
//! | `NAME_model.c` | C11, C++11 | the model, labels and golden samples, constant and so in flash |
//! | `NAME_ops.h` | C++14 | registers just the operators that the model has |
//! | `NAME_tflm.cc` | C++14 | `NAME_init`, `NAME_run`, `NAME_self_test` on TFLM's interpreter |
//!
//! Facts of TFLM's API, 2023 to 2026: the resolver's calls, an interpreter without error reporter, an arena in units of 16 bytes.

use std::collections::HashSet;
use std::fmt::Write;

use super::c_text::{bytes, comment, float, identifier, integer, string};
use super::ops::{Registration, registrations};
use super::{ExportError, NamedFile};
use crate::graph::{Graph, TensorId};
use crate::measure::arena::{Abi, arena_figures, firmware_arena_bytes};
use crate::tensor::{ElementType, Tensor};

/// What goes into the files.
#[derive(Clone, Copy, Debug)]
pub struct Firmware<'a> {
    /// Name of the model; becomes the prefix of every symbol.
    pub name: &'a str,
    /// The graph as exported.
    pub graph: &'a Graph,
    /// The same graph as a `.tflite` file.
    pub tflite: &'a [u8],
    /// Names of the classes, in the order of the output's elements; empty if it has none.
    pub labels: &'a [String],
    /// Samples with the outputs that the device has to give.
    pub golden: &'a [Golden],
    /// Name of the source model's file, without a folder.
    pub source_name: &'a str,
    /// Hash of the source model's bytes.
    pub source_hash: blake3::Hash,
    /// The recipe as text.
    pub recipe: &'a str,
    /// What the model's input is made with; empty if nothing is known of it.
    pub features: &'a str,
}

/// Inputs and the outputs they must give, byte for byte, as the integer executor computed them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Golden {
    /// Bytes of each input.
    pub inputs: Vec<Vec<u8>>,
    /// Bytes of each output.
    pub outputs: Vec<Vec<u8>>,
}

/// The header and sources that firmware includes.
///
/// # Errors
/// [`ExportError`] if TFLM lacks an operator, an input or output has no C type, or golden samples do not fit.
pub fn c_header(firmware: &Firmware<'_>) -> Result<Vec<NamedFile>, ExportError> {
    let writer = Writer::new(firmware, true)?;
    let mut files = writer.model_files()?;
    files.push(writer.file("_tflm.cc", writer.interpreter()));
    Ok(files)
}

/// The same without the calls that run it, for firmware that has an interpreter of its own.
///
/// # Errors
/// As of [`c_header`].
pub(super) fn c_model(firmware: &Firmware<'_>) -> Result<Vec<NamedFile>, ExportError> {
    Writer::new(firmware, false)?.model_files()
}

/// An input or output of the model.
struct Port {
    /// `INPUT`, or `INPUT_1` where there are several.
    name: String,
    c_type: &'static str,
    n_bytes: usize,
    /// `int8 [1, 49, 10, 1]`.
    what: String,
    quantization: Option<(f32, i32)>,
}

struct Ports {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Ports {
    fn of(graph: &Graph) -> Result<Self, ExportError> {
        let all = |ids: &[TensorId], place| {
            let port = |(i, &id): (usize, &TensorId)| Port::of(graph.tensor(id), place, i, ids.len());
            ids.iter().enumerate().map(port).collect::<Result<Vec<_>, _>>()
        };
        let ports = Self { inputs: all(&graph.inputs, "input")?, outputs: all(&graph.outputs, "output")? };
        match (ports.inputs.is_empty(), ports.outputs.is_empty()) {
            (true, _) => Err(ExportError::NoInterface("inputs")),
            (_, true) => Err(ExportError::NoInterface("outputs")),
            _ => Ok(ports),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Port> {
        self.inputs.iter().chain(&self.outputs)
    }
}

impl Port {
    fn of(tensor: &Tensor, place: &'static str, index: usize, n: usize) -> Result<Self, ExportError> {
        let c_type = match tensor.element {
            ElementType::I8 => "int8_t",
            ElementType::U8 | ElementType::Bool => "uint8_t",
            ElementType::I16 => "int16_t",
            ElementType::I32 => "int32_t",
            ElementType::F32 => "float",
            ElementType::F16 | ElementType::I4 | ElementType::I64 | ElementType::Other(_) => {
                let (tensor, element) = (tensor.name.clone(), tensor.element.name());
                return Err(ExportError::Element { place, tensor, element });
            }
        };
        let name = place.to_ascii_uppercase();
        Ok(Self {
            name: if n == 1 { name } else { format!("{name}_{index}") },
            c_type,
            n_bytes: tensor.n_bytes(),
            what: format!("{} {:?}", tensor.element.name(), tensor.shape),
            quantization: tensor.quantization.as_ref().map(|q| (q.scale(), q.zero_point())),
        })
    }
}

fn check_golden(golden: &[Golden], ports: &Ports) -> Result<(), ExportError> {
    for (sample, g) in golden.iter().enumerate() {
        for (place, given, ports) in [("input", &g.inputs, &ports.inputs), ("output", &g.outputs, &ports.outputs)] {
            for (i, port) in ports.iter().enumerate() {
                let (found, expected) = (given.get(i).map_or(0, Vec::len), port.n_bytes);
                if found != expected {
                    return Err(ExportError::Golden { sample, place: format!("{place} {i}"), found, expected });
                }
            }
        }
    }
    Ok(())
}

/// Error codes of the generated functions: name, value, meaning.
const CODES: [(&str, i32, &str); 6] = [
    ("OK", 0, "done"),
    ("E_SCHEMA", -1, "TensorFlow Lite Micro reads another version of model files"),
    ("E_OPS", -2, "an operator could not be registered"),
    ("E_ARENA", -3, "the arena is too small, or set-up failed otherwise"),
    ("E_SHAPE", -4, "inputs or outputs are not those of this header"),
    ("E_RUN", -5, "not set up, or a kernel failed"),
];

struct Writer<'a> {
    firmware: &'a Firmware<'a>,
    ports: Ports,
    lower: String,
    upper: String,
    /// Whether the functions that run the model come along.
    is_run: bool,
}

impl<'a> Writer<'a> {
    fn new(firmware: &'a Firmware<'a>, is_run: bool) -> Result<Self, ExportError> {
        let ports = Ports::of(firmware.graph)?;
        check_golden(firmware.golden, &ports)?;
        let lower = identifier(firmware.name);
        let upper = lower.to_ascii_uppercase();
        Ok(Self { firmware, ports, lower, upper, is_run })
    }
}

impl Writer<'_> {
    fn file(&self, suffix: &str, text: String) -> NamedFile {
        NamedFile { name: format!("{}{suffix}", self.lower), bytes: text.into_bytes() }
    }

    fn model_files(&self) -> Result<Vec<NamedFile>, ExportError> {
        let ops = registrations(self.firmware.graph)?;
        Ok(vec![
            self.file("_model.h", self.header()),
            self.file("_model.c", self.source()),
            self.file("_ops.h", self.ops_header(&ops)),
        ])
    }

    /// `NAME_WHAT` as a macro.
    fn define(&self, text: &mut String, what: &str, value: &str, note: &str) {
        let note = if note.is_empty() { String::new() } else { format!("  // {note}") };
        let name = format!("{}_{what}", self.upper);
        writeln!(text, "#define {name:<28} {value:>10}{note}").expect("writing to a string succeeds");
    }

    fn preamble(&self, file: &str) -> String {
        let Firmware { tflite, source_name, source_hash, recipe, features, .. } = self.firmware;
        let short = |hash: blake3::Hash| hash.to_hex()[..16].to_owned();
        let lines = format!(
            "{}{file}\nMade by Tinsmith {}; export again rather than edit.\nSource   {source_name}   blake3 {}\nModel    {} bytes   \
             blake3 {}",
            self.lower,
            env!("CARGO_PKG_VERSION"),
            short(*source_hash),
            tflite.len(),
            short(blake3::hash(tflite)),
        );
        let titled = |title: &str, text: &str| {
            if text.trim().is_empty() { String::new() } else { format!("// {title}\n{}", comment(text, "   ")) }
        };
        comment(&lines, " ") + &titled("Recipe", recipe) + &titled("Features", features)
    }

    fn header(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let guard = format!("{upper}_MODEL_H");
        let mut text = self.preamble("_model.h");
        text += &format!(
            "#ifndef {guard}\n#define {guard}\n\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
        );
        self.sizes(&mut text);
        self.label_enum(&mut text);
        text += &format!(
            "// Aligned to 16 bytes, constant and so in flash.\nextern const uint8_t {lower}_model[{upper}_MODEL_BYTES];\n"
        );
        if !self.firmware.labels.is_empty() {
            text += &format!("extern const char *const {lower}_labels[{upper}_LABELS];\n");
        }
        self.golden_declarations(&mut text);
        if self.is_run {
            self.functions(&mut text);
        }
        text += "\n#ifdef __cplusplus\n}\n#endif\n\n";
        text += &format!("#endif  // {guard}\n");
        text
    }

    fn sizes(&self, text: &mut String) {
        let graph = self.firmware.graph;
        self.define(text, "MODEL_BYTES", &self.firmware.tflite.len().to_string(), "");
        let least = arena_figures(graph, Abi::OTHER32);
        let known = if least.exact { "" } else { " at least (not every kernel is known)" };
        let lower = if self.is_run {
            format!("add 60 KB, then lower it to {}_arena_used()", self.lower)
        } else {
            "see TINSMITH_ARENA_EXTRA in tinsmith_config.h".to_owned()
        };
        text.push_str(&comment(
            &format!(
                "Arena, a multiple of 16 bytes. TensorFlow Lite Micro's reference kernels need{known} {} on a 32-bit\nmicrocontroller \
                 ({} of it activations); the rest is for CMSIS-NN's scratch and newer versions.\nESP-NN on the ESP32-S3 and P4 takes \
                 more: {lower}.",
                least.arena_mcu32_bytes, least.activations_bytes
            ),
            " ",
        ));
        self.define(text, "ARENA_BYTES", &firmware_arena_bytes(graph).to_string(), "");
        for port in self.ports.all() {
            self.define(text, &format!("{}_BYTES", port.name), &port.n_bytes.to_string(), &port.what);
            if let Some((scale, zero_point)) = port.quantization {
                self.define(text, &format!("{}_SCALE", port.name), &float(scale), "real = (q - zero) * scale");
                self.define(text, &format!("{}_ZERO", port.name), &integer(zero_point), "");
            }
        }
        if !self.firmware.labels.is_empty() {
            self.define(text, "LABELS", &self.firmware.labels.len().to_string(), "");
        }
        self.define(text, "GOLDEN_SAMPLES", &self.firmware.golden.len().to_string(), "");
        text.push('\n');
        if self.is_run {
            text.push_str("enum {\n");
            for (name, value, meaning) in CODES {
                text.push_str(&format!("    {}_{name} = {value},  // {meaning}\n", self.upper));
            }
            text.push_str("};\n\n");
        }
    }

    /// Enumerators are unique and differ from the macros above.
    fn label_enum(&self, text: &mut String) {
        if self.firmware.labels.is_empty() {
            return;
        }
        let mut taken: HashSet<String> = CODES.iter().map(|(name, ..)| (*name).to_owned()).collect();
        taken.extend(
            ["MODEL_BYTES", "ARENA_BYTES", "LABELS", "GOLDEN_SAMPLES", "MODEL_H", "OPS", "OPS_H", "KERNEL", "INT8_KERNELS"]
                .map(str::to_owned),
        );
        for port in self.ports.all() {
            taken.extend(["BYTES", "SCALE", "ZERO"].map(|what| format!("{}_{what}", port.name)));
        }
        text.push_str("typedef enum {\n");
        for (index, label) in self.firmware.labels.iter().enumerate() {
            let stem = identifier(label).to_ascii_uppercase();
            let free =
                (1..).map(|n| if n == 1 { stem.clone() } else { format!("{stem}_{n}") }).find(|name| taken.insert(name.clone()));
            let name = free.expect("there is always a next number");
            text.push_str(&format!("    {}_{name} = {index},\n", self.upper));
        }
        text.push_str(&format!("}} {}_label;\n\n", self.lower));
    }

    fn golden_declarations(&self, text: &mut String) {
        if self.firmware.golden.is_empty() {
            return;
        }
        text.push_str("\n// Inputs, and the outputs that they must give, byte for byte.\n");
        for port in self.ports.all() {
            text.push_str(&format!("extern const uint8_t {};\n", self.golden_array(port)));
        }
    }

    /// `keyword_golden_input[KEYWORD_GOLDEN_SAMPLES][KEYWORD_INPUT_BYTES]`.
    fn golden_array(&self, port: &Port) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        format!("{lower}_golden_{}[{upper}_GOLDEN_SAMPLES][{upper}_{}_BYTES]", port.name.to_ascii_lowercase(), port.name)
    }

    fn functions(&self, text: &mut String) {
        let (lower, upper) = (&self.lower, &self.upper);
        text.push_str(&format!(
            "\n// Sets the model up in an arena, which has to outlive its use. {upper}_OK, or one of the {upper}_E_ codes.\n\
             int {lower}_init(void *arena, size_t arena_bytes);\n\n\
             // Runs once. {upper}_OK, or one of the {upper}_E_ codes.\nint {lower}_run({});\n\n\
             // Bytes of the arena in use; 0 before {lower}_init.\nsize_t {lower}_arena_used(void);\n",
            self.run_parameters()
        ));
        if self.firmware.graph.tensors.iter().any(|t| t.is_variable) {
            text.push_str(&format!(
                "\n// Forgets what earlier runs left behind (state of recurrent layers).\nint {lower}_reset(void);\n"
            ));
        }
        if !self.firmware.golden.is_empty() {
            text.push_str(&format!(
                "\n// Runs the golden samples: how many differ in any byte, or one of the {upper}_E_ codes.\nint {lower}_self_test(void);\n"
            ));
        }
    }

    fn run_parameters(&self) -> String {
        match (self.ports.inputs.as_slice(), self.ports.outputs.as_slice()) {
            ([input], [output]) => format!("const {} *input, {} *output", input.c_type, output.c_type),
            (inputs, outputs) => format!("const void *const inputs[{}], void *const outputs[{}]", inputs.len(), outputs.len()),
        }
    }

    fn source(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let mut text = self.preamble("_model.c");
        text += &format!(
            "#include \"{lower}_model.h\"\n\n#if defined(__cplusplus)\n#define ALIGNED_16 alignas(16)\n#elif defined(__STDC_VERSION__) && \
             __STDC_VERSION__ >= 201112L\n#define ALIGNED_16 _Alignas(16)\n#else\n#define ALIGNED_16 __attribute__((aligned(16)))\n#endif\n\n"
        );
        text +=
            &format!("ALIGNED_16 const uint8_t {lower}_model[{upper}_MODEL_BYTES] = {{\n{}}};\n", bytes(self.firmware.tflite));
        if !self.firmware.labels.is_empty() {
            text += &format!("\nconst char *const {lower}_labels[{upper}_LABELS] = {{\n");
            text.extend(self.firmware.labels.iter().map(|label| format!("    {},\n", string(label))));
            text += "};\n";
        }
        if !self.firmware.golden.is_empty() {
            let golden = self.firmware.golden;
            let inputs = self.ports.inputs.iter().enumerate();
            let outputs = self.ports.outputs.iter().enumerate();
            inputs.for_each(|(i, port)| self.golden_values(&mut text, port, golden.iter().map(|g| g.inputs[i].as_slice())));
            outputs.for_each(|(i, port)| self.golden_values(&mut text, port, golden.iter().map(|g| g.outputs[i].as_slice())));
        }
        text
    }

    fn golden_values<'b>(&self, text: &mut String, port: &Port, samples: impl Iterator<Item = &'b [u8]>) {
        text.push_str(&format!("\nconst uint8_t {} = {{\n", self.golden_array(port)));
        text.extend(samples.map(|sample| format!("{{\n{}}},\n", bytes(sample))));
        text.push_str("};\n");
    }

    fn ops_header(&self, ops: &[Registration]) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let guard = format!("{upper}_OPS_H");
        let mut headers: Vec<&str> = ops.iter().filter_map(|op| Some(op.int8?.0)).collect();
        headers.sort_unstable();
        headers.dedup();
        let mut text = self.preamble("_ops.h");
        text += &format!("#ifndef {guard}\n#define {guard}\n\n#include \"tensorflow/lite/micro/micro_mutable_op_resolver.h\"\n");
        if !headers.is_empty() {
            text += &format!(
                "\n// Define {upper}_INT8_KERNELS to link int8 kernels alone: with CMSIS-NN they take some 30 KB less flash.\n#ifdef \
                 {upper}_INT8_KERNELS\n"
            );
            text.extend(headers.iter().map(|h| format!("#include \"tensorflow/lite/micro/kernels/{h}.h\"\n")));
            text += &format!("#define {upper}_KERNEL(int8) int8\n#else\n#define {upper}_KERNEL(int8)\n#endif\n");
        }
        text += &format!(
            "\n#define {upper}_OPS {}\n\n// Registers the operators that the model has, and no other: each kernel costs flash.\n\
             inline TfLiteStatus {lower}_register_ops(tflite::MicroMutableOpResolver<{upper}_OPS> *resolver) {{\n",
            ops.len()
        );
        for Registration { method, int8 } in ops {
            let kernel = int8.map_or_else(String::new, |(_, function)| format!("{upper}_KERNEL(tflite::{function}())"));
            text += &format!("  if (resolver->{method}({kernel}) != kTfLiteOk) return kTfLiteError;\n");
        }
        text += &format!("  return kTfLiteOk;\n}}\n\n#endif  // {guard}\n");
        text
    }
}

mod interpreter;
