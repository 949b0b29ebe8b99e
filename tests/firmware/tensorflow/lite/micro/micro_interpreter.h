// Just enough of TensorFlow Lite Micro's interpreter to compile exported firmware files against: it looks its outputs up.
#ifndef STAND_IN_INTERPRETER_H
#define STAND_IN_INTERPRETER_H

#include <stddef.h>
#include <stdint.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

typedef enum { kTfLiteNoType, kTfLiteFloat32, kTfLiteInt32, kTfLiteUInt8, kTfLiteInt64, kTfLiteInt16 = 7, kTfLiteInt8 = 9 } TfLiteType;

struct TfLiteTensor {
  union {
    void *data;
  } data;
  size_t bytes;
  TfLiteType type = kTfLiteNoType;
  struct {
    float scale = 0;
    int32_t zero_point = 0;
  } params = {};
};

// Given by the test program.
extern size_t stand_in_inputs, stand_in_outputs, stand_in_arena;
extern TfLiteTensor stand_in_input[4], stand_in_output[4];
TfLiteStatus stand_in_invoke();

namespace tflite {

class MicroInterpreter {
 public:
  MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *, size_t arena_bytes) : arena_bytes_(arena_bytes) {}
  TfLiteStatus AllocateTensors() { return arena_bytes_ >= stand_in_arena ? kTfLiteOk : kTfLiteError; }
  TfLiteStatus Invoke() { return stand_in_invoke(); }
  TfLiteStatus Reset() { return kTfLiteOk; }
  TfLiteTensor *input(size_t i) { return &stand_in_input[i]; }
  TfLiteTensor *output(size_t i) { return &stand_in_output[i]; }
  size_t inputs_size() const { return stand_in_inputs; }
  size_t outputs_size() const { return stand_in_outputs; }
  size_t arena_used_bytes() const { return stand_in_arena; }

 private:
  size_t arena_bytes_;
};

}  // namespace tflite

#endif
