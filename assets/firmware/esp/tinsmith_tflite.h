// Whether a model that was sent means something. flatbuffers::Verifier checks where things lie; TensorFlow Lite Micro then takes
// every index and every size in them on trust.
#ifndef TINSMITH_TFLITE_H
#define TINSMITH_TFLITE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tensorflow/lite/schema/schema_generated.h"

namespace tinsmith {

template <typename Vector>
size_t SizeOf(const Vector *vector) {
  return vector == nullptr ? 0 : vector->size();
}

// Whether these are tensors, of n; an operator may leave out inputs, which is -1.
template <typename Indices>
bool AreTensors(const Indices *indices, size_t n, bool may_lack) {
  for (size_t i = 0; i < SizeOf(indices); ++i) {
    const int32_t index = indices->Get(i);
    if (index < (may_lack ? -1 : 0) || (index >= 0 && static_cast<size_t>(index) >= n)) return false;
  }
  return true;
}

template <typename Subgraph>
bool AreOperatorsWhole(const Subgraph *graph, size_t n_codes) {
  const size_t n = SizeOf(graph->tensors());
  for (size_t i = 0; i < SizeOf(graph->operators()); ++i) {
    const auto *op = graph->operators()->Get(i);
    if (op->opcode_index() >= n_codes || op->inputs() == nullptr || op->outputs() == nullptr) return false;
    if (!AreTensors(op->inputs(), n, true) || !AreTensors(op->outputs(), n, false)) return false;
    if (!AreTensors(op->intermediates(), n, false)) return false;
  }
  return true;
}

// Bits of a value; 0 of what is no number.
inline uint64_t BitsOf(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType_INT4:
      return 4;
    case tflite::TensorType_INT8:
    case tflite::TensorType_UINT8:
    case tflite::TensorType_BOOL:
      return 8;
    case tflite::TensorType_INT16:
    case tflite::TensorType_FLOAT16:
      return 16;
    case tflite::TensorType_INT32:
    case tflite::TensorType_FLOAT32:
      return 32;
    case tflite::TensorType_INT64:
      return 64;
    default:
      return 0;
  }
}

// Bytes of a tensor; 0 of what no memory of a board holds.
inline uint64_t BytesOf(const tflite::Tensor *tensor) {
  const uint64_t most = INT32_MAX;
  uint64_t n = 1;
  for (size_t i = 0; i < SizeOf(tensor->shape()); ++i) {
    const int32_t extent = tensor->shape()->Get(i);
    if (extent <= 0 || n > most / static_cast<uint64_t>(extent)) return 0;
    n *= static_cast<uint64_t>(extent);
  }
  const uint64_t bytes = (n * BitsOf(tensor->type()) + 7) / 8;
  return bytes > most ? 0 : bytes;
}

// Whether it has a size, and its values, if they are in the file, are all there.
inline bool HasItsValues(const tflite::Tensor *tensor, const tflite::Model *model) {
  const size_t held = SizeOf(model->buffers()->Get(tensor->buffer())->data());
  const uint64_t bytes = BytesOf(tensor);
  return bytes > 0 && (held == 0 || held >= bytes);
}

// A plan of the memory that was made elsewhere: TensorFlow Lite Micro would follow wherever it leads.
inline bool IsMemoryPlan(const tflite::Metadata *metadata) {
  return metadata->name() != nullptr && strcmp(metadata->name()->c_str(), "OfflineMemoryAllocation") == 0;
}

// One graph that has something to do, and nothing in it leads out of it.
inline bool IsWhole(const tflite::Model *model) {
  const size_t n_buffers = SizeOf(model->buffers());
  if (SizeOf(model->subgraphs()) != 1) return false;
  const auto *graph = model->subgraphs()->Get(0);
  const size_t n = SizeOf(graph->tensors());
  if (n == 0 || SizeOf(graph->operators()) == 0 || SizeOf(graph->inputs()) == 0 || SizeOf(graph->outputs()) == 0) return false;
  for (size_t i = 0; i < n; ++i) {
    const auto *tensor = graph->tensors()->Get(i);
    if (tensor->buffer() >= n_buffers || !HasItsValues(tensor, model)) return false;
  }
  for (size_t i = 0; i < SizeOf(model->metadata()); ++i) {
    const auto *metadata = model->metadata()->Get(i);
    if (metadata->buffer() >= n_buffers || IsMemoryPlan(metadata)) return false;
  }
  return AreTensors(graph->inputs(), n, false) && AreTensors(graph->outputs(), n, false) &&
         AreOperatorsWhole(graph, SizeOf(model->operator_codes()));
}

}  // namespace tinsmith

#endif
