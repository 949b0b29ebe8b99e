#pragma once
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
namespace tflite {
inline TFLMRegistration Register_CONV_2D_INT8() { return {}; }
}  // namespace tflite
