// Just enough of TensorFlow Lite's schema to compile exported firmware files against: own declarations, no behaviour.
#ifndef STAND_IN_SCHEMA_H
#define STAND_IN_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TFLITE_SCHEMA_VERSION 3

namespace tflite {

struct OperatorCode {};

// A vector of flatbuffers, always empty.
struct OperatorCodes {
  const OperatorCode *const *begin() const { return nullptr; }
  const OperatorCode *const *end() const { return nullptr; }
};

// The file's identifier stands for its version.
struct Model {
  char bytes[8];
  uint32_t version() const { return memcmp(bytes + 4, "TFL3", 4) == 0 ? 3 : 0; }
  const OperatorCodes *operator_codes() const {
    static const OperatorCodes none{};
    return &none;
  }
};

inline const Model *GetModel(const void *data) { return static_cast<const Model *>(data); }

enum BuiltinOperator { BuiltinOperator_ADD };

}  // namespace tflite

namespace flatbuffers {

struct Verifier {
  Verifier(const uint8_t *bytes, size_t len) : is_model(len >= 8 && memcmp(bytes + 4, "TFL3", 4) == 0) {}
  bool is_model;
};

}  // namespace flatbuffers

namespace tflite {

inline bool VerifyModelBuffer(flatbuffers::Verifier &verifier) { return verifier.is_model; }

}  // namespace tflite

#endif
