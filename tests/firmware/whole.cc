// Models made in memory, a sound one and others with one thing wrong each: which are taken for sound. Says what is not as it should be.
#include <stdio.h>

#include "tinsmith_tflite.h"

namespace {

using flatbuffers::Vector;

// Two operators on four tensors; the second leaves out an input.
struct Made {
  int32_t graph_takes[1] = {0}, graph_gives[1] = {3};
  int32_t first_takes[2] = {0, 1}, first_gives[1] = {2}, second_takes[2] = {2, -1}, second_gives[1] = {3}, between[1] = {1};
  Vector<int32_t> in{graph_takes, 1}, out{graph_gives, 1}, from1{first_takes, 2}, to1{first_gives, 1}, from2{second_takes, 2},
      to2{second_gives, 1}, scratch{between, 1};
  int32_t extent[2] = {3, 5}, one[1] = {1};
  Vector<int32_t> plane{extent, 2}, single{one, 1};
  // The second holds 15 values of a byte, which lie in the file.
  tflite::Tensor tensor[4] = {{0, &plane, tflite::TensorType_FLOAT32},
                              {1, &plane, tflite::TensorType_INT8},
                              {0, nullptr, tflite::TensorType_INT16},
                              {0, &single, tflite::TensorType_INT64}};
  const tflite::Tensor *tensor_list[4] = {&tensor[0], &tensor[1], &tensor[2], &tensor[3]};
  Vector<const tflite::Tensor *> tensors{tensor_list, 4};
  tflite::Operator step[2] = {{0, &from1, &to1, nullptr}, {1, &from2, &to2, &scratch}};
  const tflite::Operator *step_list[2] = {&step[0], &step[1]};
  Vector<const tflite::Operator *> steps{step_list, 2};
  tflite::SubGraph graph{&tensors, &in, &out, &steps};
  const tflite::SubGraph *graph_list[2] = {&graph, &graph};
  Vector<const tflite::SubGraph *> graphs{graph_list, 1};
  tflite::OperatorCode code[2];
  const tflite::OperatorCode *code_list[2] = {&code[0], &code[1]};
  Vector<const tflite::OperatorCode *> codes{code_list, 2};
  uint8_t values[15] = {0};
  Vector<uint8_t> held{values, 15};
  tflite::Buffer buffer[2] = {{nullptr}, {&held}};
  const tflite::Buffer *buffer_list[2] = {&buffer[0], &buffer[1]};
  Vector<const tflite::Buffer *> buffers{buffer_list, 2};
  flatbuffers::String called{"min_runtime_version"};
  tflite::Metadata note{1, &called};
  const tflite::Metadata *note_list[1] = {&note};
  Vector<const tflite::Metadata *> notes{note_list, 1};
  tflite::Model model{{'.', '.', '.', '.', 'T', 'F', 'L', '3'}, &codes, &graphs, &buffers, &notes};
};

template <typename Change>
void Check(const char *what, bool is_whole, Change change) {
  Made made;
  change(made);
  if (tinsmith::IsWhole(&made.model) != is_whole) printf("%s\n", what);
}

}  // namespace

int main() {
  Check("as it is", true, [](Made &) {});
  Check("without metadata", true, [](Made &m) { m.model.notes = nullptr; });
  Check("no graph", false, [](Made &m) { m.graphs.length = 0; });
  Check("no list of graphs", false, [](Made &m) { m.model.graphs = nullptr; });
  Check("two graphs", false, [](Made &m) { m.graphs.length = 2; });
  Check("no tensors", false, [](Made &m) { m.graph.all = nullptr; });
  Check("no operators", false, [](Made &m) { m.steps.length = 0; });
  Check("no inputs", false, [](Made &m) { m.in.length = 0; });
  Check("no outputs", false, [](Made &m) { m.graph.gives = nullptr; });
  Check("no operator codes", false, [](Made &m) { m.model.codes = nullptr; });
  Check("no buffers", false, [](Made &m) { m.model.all_buffers = nullptr; });
  Check("input beyond the tensors", false, [](Made &m) { m.graph_takes[0] = 4; });
  Check("negative input", false, [](Made &m) { m.graph_takes[0] = -1; });
  Check("output beyond the tensors", false, [](Made &m) { m.graph_gives[0] = 1 << 30; });
  Check("an operator's code beyond the list", false, [](Made &m) { m.step[1].code = 2; });
  Check("an operator's input beyond the tensors", false, [](Made &m) { m.second_takes[0] = 4; });
  Check("an operator's input of -2", false, [](Made &m) { m.second_takes[1] = -2; });
  Check("an operator's output of -1", false, [](Made &m) { m.first_gives[0] = -1; });
  Check("an operator's scratch beyond the tensors", false, [](Made &m) { m.between[0] = 4; });
  Check("an operator without inputs", false, [](Made &m) { m.step[0].takes = nullptr; });
  Check("an operator without outputs", false, [](Made &m) { m.step[0].gives = nullptr; });
  Check("a tensor's buffer beyond the buffers", false, [](Made &m) { m.tensor[3].of_buffer = 2; });
  Check("metadata's buffer beyond the buffers", false, [](Made &m) { m.note.of_buffer = 2; });
  Check("metadata without a name", true, [](Made &m) { m.note.called = nullptr; });
  Check("a plan of the memory", false, [](Made &m) { m.called.text = "OfflineMemoryAllocation"; });
  Check("values one too few", false, [](Made &m) { m.held.length = 14; });
  Check("values left over", true, [](Made &m) { m.extent[1] = 4; });
  Check("values of a wider type", false, [](Made &m) { m.tensor[1].of_type = tflite::TensorType_INT16; });
  Check("values of half a byte", true, [](Made &m) { (m.tensor[1].of_type = tflite::TensorType_INT4, m.held.length = 8); });
  Check("half a byte too few", false, [](Made &m) { (m.tensor[1].of_type = tflite::TensorType_INT4, m.held.length = 7); });
  Check("no values in the file", true, [](Made &m) { m.buffer[1].held = nullptr; });
  Check("text", false, [](Made &m) { m.tensor[2].of_type = tflite::TensorType_STRING; });
  Check("an extent that is not known", false, [](Made &m) { m.one[0] = -1; });
  Check("nothing of something", false, [](Made &m) { m.one[0] = 0; });
  Check("more bytes than there can be", false, [](Made &m) { m.one[0] = 1 << 28; });
  Check("more values than can be counted", false, [](Made &m) { (m.extent[0] = 1 << 16, m.extent[1] = 1 << 16); });
  return 0;
}
