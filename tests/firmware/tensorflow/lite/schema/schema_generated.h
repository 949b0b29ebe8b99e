// Just enough of TensorFlow Lite's schema to compile exported firmware files against: own declarations. Tests make models of it in
// memory; of a file only its identifier can be read.
#ifndef STAND_IN_SCHEMA_H
#define STAND_IN_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TFLITE_SCHEMA_VERSION 3

namespace flatbuffers {

struct Verifier {
  Verifier(const uint8_t *bytes, size_t len) : is_model(len >= 8 && memcmp(bytes + 4, "TFL3", 4) == 0) {}
  bool is_model;
};

template <typename T>
struct Vector {
  const T *items;
  uint32_t length;
  uint32_t size() const { return length; }
  T Get(uint32_t index) const { return items[index]; }
  const T *begin() const { return items; }
  const T *end() const { return items + length; }
};

struct String {
  const char *text;
  const char *c_str() const { return text; }
};

}  // namespace flatbuffers

namespace tflite {

using flatbuffers::Vector;

enum TensorType {
  TensorType_FLOAT32 = 0,
  TensorType_FLOAT16 = 1,
  TensorType_INT32 = 2,
  TensorType_UINT8 = 3,
  TensorType_INT64 = 4,
  TensorType_STRING = 5,
  TensorType_BOOL = 6,
  TensorType_INT16 = 7,
  TensorType_INT8 = 9,
  TensorType_INT4 = 17
};

struct OperatorCode {};

struct Buffer {
  const Vector<uint8_t> *held;
  const Vector<uint8_t> *data() const { return held; }
};

struct Tensor {
  uint32_t of_buffer;
  const Vector<int32_t> *extents;
  TensorType of_type;
  uint32_t buffer() const { return of_buffer; }
  const Vector<int32_t> *shape() const { return extents; }
  TensorType type() const { return of_type; }
};

struct Metadata {
  uint32_t of_buffer;
  const flatbuffers::String *called;
  uint32_t buffer() const { return of_buffer; }
  const flatbuffers::String *name() const { return called; }
};

struct Operator {
  uint32_t code;
  const Vector<int32_t> *takes, *gives, *between;
  uint32_t opcode_index() const { return code; }
  const Vector<int32_t> *inputs() const { return takes; }
  const Vector<int32_t> *outputs() const { return gives; }
  const Vector<int32_t> *intermediates() const { return between; }
};

struct SubGraph {
  const Vector<const Tensor *> *all;
  const Vector<int32_t> *takes, *gives;
  const Vector<const Operator *> *steps;
  const Vector<const Tensor *> *tensors() const { return all; }
  const Vector<int32_t> *inputs() const { return takes; }
  const Vector<int32_t> *outputs() const { return gives; }
  const Vector<const Operator *> *operators() const { return steps; }
};

struct Model {
  char bytes[8];
  const Vector<const OperatorCode *> *codes;
  const Vector<const SubGraph *> *graphs;
  const Vector<const Buffer *> *all_buffers;
  const Vector<const Metadata *> *notes;
  uint32_t version() const { return memcmp(bytes + 4, "TFL3", 4) == 0 ? 3 : 0; }
  const Vector<const OperatorCode *> *operator_codes() const { return codes; }
  const Vector<const SubGraph *> *subgraphs() const { return graphs; }
  const Vector<const Buffer *> *buffers() const { return all_buffers; }
  const Vector<const Metadata *> *metadata() const { return notes; }
};

inline const Model *GetModel(const void *data) { return static_cast<const Model *>(data); }

enum BuiltinOperator { BuiltinOperator_ADD };

inline bool VerifyModelBuffer(flatbuffers::Verifier &verifier) { return verifier.is_model; }

}  // namespace tflite

#endif
