// See tinsmith_tflm.h.
//
// One arena serves every model. To try another one, the old interpreter goes and comes back if the new one cannot be set up.
#include "tinsmith_tflm.h"

// The library is built with it, which changes its structures.
#ifndef TF_LITE_STATIC_MEMORY
#define TF_LITE_STATIC_MEMORY
#endif

#include "tinsmith_model.h"

#if TINSMITH_HAS_MODEL

#include <string.h>

#include <new>

#include "esp_heap_caps.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"
#include "tinsmith_config.h"
#include "tinsmith_tflite.h"

namespace {

constexpr size_t kArenaBytes = TINSMITH_ARENA_BYTES + TINSMITH_ARENA_EXTRA;

tflite::MicroMutableOpResolver<TINSMITH_OPS> resolver;
uint8_t *arena = nullptr;

// The interpreter has no default constructor: it is built in place.
alignas(tflite::MicroInterpreter) uint8_t interpreter_memory[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;

// The file that runs, in flash or in `room`; the room that the next one is loaded into.
const uint8_t *running = nullptr;
uint8_t *running_room = nullptr, *next_room = nullptr;
// Inputs, a window and outputs of the model that runs.
uint8_t *buffers = nullptr;

// Internal RAM is several times as fast as PSRAM.
uint8_t *Allocate(size_t bytes) {
  void *memory = heap_caps_aligned_alloc(16, bytes, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  if (memory == nullptr) memory = heap_caps_aligned_alloc(16, bytes, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
  return static_cast<uint8_t *>(memory);
}

// A model is read seldom, and is large: PSRAM first.
uint8_t *AllocateRoom(size_t bytes) {
  void *memory = heap_caps_aligned_alloc(16, bytes, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
  if (memory == nullptr) memory = heap_caps_aligned_alloc(16, bytes, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  return static_cast<uint8_t *>(memory);
}

void Free(uint8_t **memory) {
  heap_caps_free(*memory);
  *memory = nullptr;
}

void Close() {
  if (interpreter != nullptr) interpreter->~MicroInterpreter();
  interpreter = nullptr;
}

// Whether the interpreter runs this file, whose operators are known to be there.
bool Build(const uint8_t *file) {
  Close();
  interpreter = new (interpreter_memory) tflite::MicroInterpreter(tflite::GetModel(file), resolver, arena, kArenaBytes);
  if (interpreter->AllocateTensors() == kTfLiteOk) return true;
  Close();
  return false;
}

// Whether TensorFlow Lite Micro can read the file at all: it trusts what it is given.
bool IsSound(const uint8_t *file, size_t len) {
  flatbuffers::Verifier verifier(file, len);
  if (!tflite::VerifyModelBuffer(verifier)) return false;
  const tflite::Model *model = tflite::GetModel(file);
  if (model->version() != TFLITE_SCHEMA_VERSION || !tinsmith::IsWhole(model)) return false;
  for (const tflite::OperatorCode *code : *model->operator_codes()) {
    if (resolver.FindOp(tflite::GetBuiltinCode(code)) == nullptr) return false;
  }
  return true;
}

size_t InputBytes() {
  size_t bytes = 0;
  for (size_t i = 0; i < interpreter->inputs_size(); ++i) bytes += interpreter->input(i)->bytes;
  return bytes;
}

size_t OutputBytes() {
  size_t bytes = 0;
  for (size_t i = 0; i < interpreter->outputs_size(); ++i) bytes += interpreter->output(i)->bytes;
  return bytes;
}

tinsmith_element ElementOf(TfLiteType type) {
  switch (type) {
    case kTfLiteInt8: return TINSMITH_ELEMENT_I8;
    case kTfLiteUInt8: return TINSMITH_ELEMENT_U8;
    case kTfLiteInt16: return TINSMITH_ELEMENT_I16;
    case kTfLiteInt32: return TINSMITH_ELEMENT_I32;
    case kTfLiteFloat32: return TINSMITH_ELEMENT_F32;
    default: return TINSMITH_NO_ELEMENT;
  }
}

void Describe(tinsmith_network *network) {
  const size_t input_bytes = InputBytes(), output_bytes = OutputBytes();
  memset(network, 0, sizeof *network);
  network->about.input_bytes = static_cast<uint32_t>(input_bytes);
  network->about.output_bytes = static_cast<uint32_t>(output_bytes);
  network->about.arena_bytes = static_cast<uint32_t>(interpreter->arena_used_bytes());
  network->input = buffers;
  network->window = buffers + input_bytes;
  network->output = buffers + 2 * input_bytes;
  if (interpreter->inputs_size() == 1) {
    network->element = ElementOf(interpreter->input(0)->type);
    network->scale = interpreter->input(0)->params.scale;
    network->zero_point = interpreter->input(0)->params.zero_point;
  }
}

// Runs this file from now on. On failure the one before runs on.
uint8_t Switch(const uint8_t *file, size_t len, tinsmith_network *network) {
  if (!IsSound(file, len)) return TINSMITH_BAD_MODEL;
  const bool is_built = Build(file);
  uint8_t *memory = is_built ? Allocate(2 * InputBytes() + OutputBytes()) : nullptr;
  if (memory == nullptr) {
    // What ran before fits: it has been there.
    if (running != nullptr) Build(running);
    return TINSMITH_NO_MEMORY;
  }
  Free(&buffers);
  buffers = memory;
  running = file;
  Describe(network);
  return TINSMITH_DONE;
}

}  // namespace

uint8_t tinsmith_tflm_begin(tinsmith_network *network) {
  arena = Allocate(kArenaBytes);
  if (arena == nullptr) return TINSMITH_NO_MEMORY;
  if (tinsmith_register_ops(&resolver) != kTfLiteOk) return TINSMITH_FAILED;
  const uint8_t status = Switch(TINSMITH_MODEL, TINSMITH_MODEL_BYTES, network);
  if (status == TINSMITH_DONE) network->about.hash = tinsmith_content_hash(TINSMITH_MODEL, TINSMITH_MODEL_BYTES);
  return status;
}

uint8_t tinsmith_tflm_room(void *, const tinsmith_command *first, uint8_t **room) {
  // "TFL3" marks a model of TensorFlow Lite. Tinsmith's own compact form is not read here; the studio then sends this one.
  if (first->len < 8 || memcmp(first->bytes + 4, "TFL3", 4) != 0) return TINSMITH_BAD_MODEL;
  Free(&next_room);
  next_room = AllocateRoom(first->total);
  *room = next_room;
  return next_room == nullptr ? TINSMITH_NO_MEMORY : TINSMITH_DONE;
}

uint8_t tinsmith_tflm_open(void *, const uint8_t *file, size_t len, tinsmith_network *network) {
  const uint8_t status = arena == nullptr ? static_cast<uint8_t>(TINSMITH_NO_MEMORY) : Switch(file, len, network);
  if (status == TINSMITH_DONE) {
    Free(&running_room);
    running_room = next_room;
    next_room = nullptr;
  }
  return status;
}

void tinsmith_tflm_drop(void *) { Free(&next_room); }

uint8_t tinsmith_tflm_run(void *, const tinsmith_network *network, const uint8_t *input) {
  if (interpreter == nullptr) return TINSMITH_FAILED;
  for (size_t i = 0; i < interpreter->inputs_size(); ++i) {
    memcpy(interpreter->input(i)->data.data, input, interpreter->input(i)->bytes);
    input += interpreter->input(i)->bytes;
  }
  if (interpreter->Invoke() != kTfLiteOk) return TINSMITH_FAILED;
  uint8_t *output = network->output;
  for (size_t i = 0; i < interpreter->outputs_size(); ++i) {
    memcpy(output, interpreter->output(i)->data.data, interpreter->output(i)->bytes);
    output += interpreter->output(i)->bytes;
  }
  return TINSMITH_DONE;
}

#endif
