// Declarations of our own of what the sketch uses of Arduino's Wire: enough to compile against.
#pragma once
#include "Arduino.h"

class TwoWire {
 public:
  bool begin(int sda, int scl, uint32_t hz);
  void beginTransmission(uint8_t address);
  uint8_t endTransmission(bool stop = true);
  size_t requestFrom(uint8_t address, size_t len);
  size_t write(uint8_t byte);
  size_t write(const uint8_t *bytes, size_t len);
  int read();
};
extern TwoWire Wire;
