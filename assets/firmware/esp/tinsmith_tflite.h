// Whether a model that was sent means something. flatbuffers::Verifier checks where things lie; TensorFlow Lite Micro then takes
// every index in them on trust.
#ifndef TINSMITH_TFLITE_H
#define TINSMITH_TFLITE_H

#include <stddef.h>
#include <stdint.h>

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

// One graph that has something to do, and nothing in it leads out of it.
inline bool IsWhole(const tflite::Model *model) {
  const size_t n_buffers = SizeOf(model->buffers());
  if (SizeOf(model->subgraphs()) != 1) return false;
  const auto *graph = model->subgraphs()->Get(0);
  const size_t n = SizeOf(graph->tensors());
  if (n == 0 || SizeOf(graph->operators()) == 0 || SizeOf(graph->inputs()) == 0 || SizeOf(graph->outputs()) == 0) return false;
  for (size_t i = 0; i < n; ++i) {
    if (graph->tensors()->Get(i)->buffer() >= n_buffers) return false;
  }
  for (size_t i = 0; i < SizeOf(model->metadata()); ++i) {
    if (model->metadata()->Get(i)->buffer() >= n_buffers) return false;
  }
  return AreTensors(graph->inputs(), n, false) && AreTensors(graph->outputs(), n, false) &&
         AreOperatorsWhole(graph, SizeOf(model->operator_codes()));
}

}  // namespace tinsmith

#endif
