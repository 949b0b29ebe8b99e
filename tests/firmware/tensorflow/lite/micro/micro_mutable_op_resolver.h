// Just enough of TensorFlow Lite Micro's resolver to compile exported firmware files against: own declarations that count.
#ifndef STAND_IN_RESOLVER_H
#define STAND_IN_RESOLVER_H

#include "tensorflow/lite/schema/schema_generated.h"

typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
struct TFLMRegistration {};

namespace tflite {

struct MicroOpResolver {};

template <unsigned int kMax>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddConv2D(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddFullyConnected(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddAdd(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddAveragePool2D(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddSoftmax(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddReshape() { return Add(); }
  TfLiteStatus AddLogistic() { return Add(); }
  TfLiteStatus AddSplit() { return Add(); }
  const TFLMRegistration *FindOp(BuiltinOperator) const { return nullptr; }

 private:
  // One more operator than announced is refused, as in TFLM.
  TfLiteStatus Add() { return n_++ < kMax ? kTfLiteOk : kTfLiteError; }
  unsigned int n_ = 0;
};

}  // namespace tflite

#endif
