//! The C++ file that runs the model on TFLM's interpreter.

use super::{Port, Writer};

impl Writer<'_> {
    pub(super) fn interpreter(&self) -> String {
        let lower = &self.lower;
        let mut text = self.preamble("_tflm.cc");
        text += &format!(
            "#include <string.h>\n\n#include <new>\n\n#include \"{lower}_model.h\"\n#include \"{lower}_ops.h\"\n#include \
             \"tensorflow/lite/micro/micro_interpreter.h\"\n#include \"tensorflow/lite/schema/schema_generated.h\"\n\n"
        );
        text += &self.private_part();
        text += &self.init();
        text += &self.run();
        text += &self.rest();
        text
    }

    fn private_part(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let sizes = |ports: &[Port]| {
            let names: Vec<String> = ports.iter().map(|port| format!("{upper}_{}_BYTES", port.name)).collect();
            names.join(", ")
        };
        let (n_inputs, n_outputs) = (self.ports.inputs.len(), self.ports.outputs.len());
        let (inputs, outputs) = (sizes(&self.ports.inputs), sizes(&self.ports.outputs));
        format!(
            r#"namespace {{

constexpr size_t kInputs = {n_inputs};
constexpr size_t kOutputs = {n_outputs};
constexpr size_t kInputBytes[kInputs] = {{{inputs}}};
constexpr size_t kOutputBytes[kOutputs] = {{{outputs}}};

tflite::MicroMutableOpResolver<{upper}_OPS> resolver;
bool registered = false;

// The interpreter has no default constructor and no heap here: it is built in place.
alignas(tflite::MicroInterpreter) uint8_t memory[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;

int Invoke(const void *const *inputs) {{
  if (interpreter == nullptr) return {upper}_E_RUN;
  for (size_t i = 0; i < kInputs; ++i) memcpy(interpreter->input(i)->data.data, inputs[i], kInputBytes[i]);
  return interpreter->Invoke() == kTfLiteOk ? {upper}_OK : {upper}_E_RUN;
}}

bool ShapesFit() {{
  for (size_t i = 0; i < kInputs; ++i) {{
    if (interpreter->input(i) == nullptr || interpreter->input(i)->bytes != kInputBytes[i]) return false;
  }}
  for (size_t i = 0; i < kOutputs; ++i) {{
    if (interpreter->output(i) == nullptr || interpreter->output(i)->bytes != kOutputBytes[i]) return false;
  }}
  return true;
}}

void Close() {{
  if (interpreter != nullptr) interpreter->~MicroInterpreter();
  interpreter = nullptr;
}}

}}  // namespace

size_t {lower}_arena_used(void) {{ return interpreter == nullptr ? 0 : interpreter->arena_used_bytes(); }}

"#
        )
    }

    fn init(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        format!(
            r#"int {lower}_init(void *arena, size_t arena_bytes) {{
  Close();
  const tflite::Model *model = tflite::GetModel({lower}_model);
  if (model->version() != TFLITE_SCHEMA_VERSION) return {upper}_E_SCHEMA;
  if (!registered && {lower}_register_ops(&resolver) != kTfLiteOk) return {upper}_E_OPS;
  registered = true;
  interpreter = new (memory) tflite::MicroInterpreter(model, resolver, static_cast<uint8_t *>(arena), arena_bytes);
  if (interpreter->AllocateTensors() != kTfLiteOk) {{
    Close();
    return {upper}_E_ARENA;
  }}
  if (interpreter->inputs_size() != kInputs || interpreter->outputs_size() != kOutputs || !ShapesFit()) {{
    Close();
    return {upper}_E_SHAPE;
  }}
  return {upper}_OK;
}}

"#
        )
    }

    fn run(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let parameters = self.run_parameters();
        let single = self.ports.inputs.len() == 1 && self.ports.outputs.len() == 1;
        let arrays = if single {
            "  const void *const inputs[kInputs] = {input};\n  void *const outputs[kOutputs] = {output};\n"
        } else {
            ""
        };
        format!(
            r#"int {lower}_run({parameters}) {{
{arrays}  const int status = Invoke(inputs);
  if (status != {upper}_OK) return status;
  for (size_t i = 0; i < kOutputs; ++i) memcpy(outputs[i], interpreter->output(i)->data.data, kOutputBytes[i]);
  return {upper}_OK;
}}
"#
        )
    }

    /// `NAME_reset` and `NAME_self_test`, where the header declares them.
    fn rest(&self) -> String {
        let (lower, upper) = (&self.lower, &self.upper);
        let mut text = String::new();
        let has_state = self.firmware.graph.tensors.iter().any(|t| t.is_variable);
        if has_state {
            text += &format!(
                "\nint {lower}_reset(void) {{\n  if (interpreter == nullptr) return {upper}_E_RUN;\n  return interpreter->Reset() == \
                 kTfLiteOk ? {upper}_OK : {upper}_E_RUN;\n}}\n"
            );
        }
        if self.firmware.golden.is_empty() {
            return text;
        }
        let samples = |ports: &[Port]| {
            let names = ports.iter().map(|port| format!("{lower}_golden_{}[sample]", port.name.to_ascii_lowercase()));
            names.collect::<Vec<_>>().join(", ")
        };
        let (inputs, outputs) = (samples(&self.ports.inputs), samples(&self.ports.outputs));
        // Each sample begins without the state that the one before left.
        let reset =
            if has_state { format!("    if ({lower}_reset() != {upper}_OK) return {upper}_E_RUN;\n") } else { String::new() };
        text += &format!(
            r#"
int {lower}_self_test(void) {{
  int differ = 0;
  for (size_t sample = 0; sample < {upper}_GOLDEN_SAMPLES; ++sample) {{
    const void *const inputs[kInputs] = {{{inputs}}};
    const uint8_t *const outputs[kOutputs] = {{{outputs}}};
{reset}    const int status = Invoke(inputs);
    if (status != {upper}_OK) return status;
    bool same = true;
    for (size_t i = 0; i < kOutputs; ++i) {{
      same = same && memcmp(interpreter->output(i)->data.data, outputs[i], kOutputBytes[i]) == 0;
    }}
    if (!same) ++differ;
  }}
  return differ;
}}
"#
        );
        text
    }
}
