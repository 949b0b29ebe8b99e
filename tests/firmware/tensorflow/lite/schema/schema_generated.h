// Just enough of TensorFlow Lite's schema to compile exported firmware files against: own declarations, no behaviour.
#ifndef STAND_IN_SCHEMA_H
#define STAND_IN_SCHEMA_H

#include <stdint.h>
#include <string.h>

#define TFLITE_SCHEMA_VERSION 3

namespace tflite {

// The file's identifier stands for its version.
struct Model {
  char bytes[8];
  uint32_t version() const { return memcmp(bytes + 4, "TFL3", 4) == 0 ? 3 : 0; }
};

inline const Model *GetModel(const void *data) { return static_cast<const Model *>(data); }

}  // namespace tflite

#endif
