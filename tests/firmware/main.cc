// Runs an export called "probe": usage: main MODEL.tflite. Exit code 0 if everything is as the header says.
#include <stdio.h>
#include <string.h>

#include <vector>

#include "probe_model.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

size_t stand_in_inputs = N_INPUTS, stand_in_outputs = N_OUTPUTS, stand_in_arena = 1000;
TfLiteTensor stand_in_input[4], stand_in_output[4];

namespace {

const size_t input_bytes[] = {INPUT_SIZES}, output_bytes[] = {OUTPUT_SIZES};
const uint8_t *const golden_inputs[] = {GOLDEN_INPUTS};
const uint8_t *const golden_outputs[] = {GOLDEN_OUTPUTS};
int spoiled = -1;

void describe(TfLiteTensor *tensor, void *data, size_t bytes) {
  tensor->data.data = data;
  tensor->bytes = bytes;
}

int failed(const char *what) {
  printf("failed: %s\n", what);
  return 1;
}

}  // namespace

// Answers a golden input with its golden output, the spoiled sample with one bit turned.
TfLiteStatus stand_in_invoke() {
  for (int sample = 0; sample < PROBE_GOLDEN_SAMPLES; ++sample) {
    bool same = true;
    for (size_t i = 0; i < stand_in_inputs; ++i) {
      same = same && memcmp(stand_in_input[i].data.data, golden_inputs[i] + sample * input_bytes[i], input_bytes[i]) == 0;
    }
    if (!same) continue;
    for (size_t i = 0; i < stand_in_outputs; ++i) {
      memcpy(stand_in_output[i].data.data, golden_outputs[i] + sample * output_bytes[i], output_bytes[i]);
    }
    if (sample == spoiled) *static_cast<uint8_t *>(stand_in_output[0].data.data) ^= 1;
    return kTfLiteOk;
  }
  return kTfLiteError;
}

int main(int, char **arguments) {
  std::vector<uint8_t> file(PROBE_MODEL_BYTES + 1);
  FILE *in = fopen(arguments[1], "rb");
  if (in == nullptr || fread(file.data(), 1, file.size(), in) != PROBE_MODEL_BYTES) return failed("length of the model");
  fclose(in);
  if (memcmp(file.data(), probe_model, PROBE_MODEL_BYTES) != 0) return failed("bytes of the model");
  if (reinterpret_cast<uintptr_t>(probe_model) % 16 != 0) return failed("alignment of the model");
  if (PROBE_ARENA_BYTES % 16 != 0) return failed("arena is a multiple of 16");

  std::vector<std::vector<uint8_t>> memory;
  for (size_t i = 0; i < stand_in_inputs; ++i) memory.emplace_back(input_bytes[i]);
  for (size_t i = 0; i < stand_in_outputs; ++i) memory.emplace_back(output_bytes[i]);
  for (size_t i = 0; i < stand_in_inputs; ++i) describe(&stand_in_input[i], memory[i].data(), input_bytes[i]);
  for (size_t i = 0; i < stand_in_outputs; ++i) {
    describe(&stand_in_output[i], memory[stand_in_inputs + i].data(), output_bytes[i]);
  }

  alignas(16) static uint8_t arena[1000];
  if (probe_self_test() != PROBE_E_RUN) return failed("self test before set-up");
  if (probe_init(arena, 999) != PROBE_E_ARENA || probe_arena_used() != 0) return failed("small arena");
  stand_in_output[0].bytes += 1;
  if (probe_init(arena, sizeof arena) != PROBE_E_SHAPE) return failed("other outputs");
  stand_in_output[0].bytes -= 1;
  if (probe_init(arena, sizeof arena) != PROBE_OK || probe_arena_used() != 1000) return failed("set-up");
  if (probe_self_test() != 0) return failed("self test");
  spoiled = 1;
  if (probe_self_test() != 1) return failed("self test finds one bit");
  return 0;
}
