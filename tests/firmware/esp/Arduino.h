// Declarations of our own of what the sketch uses of Arduino: enough to compile against.
#pragma once
#include "esp_stand_in.h"

void delay(uint32_t ms);

class StandInSerial {
 public:
  void begin(unsigned long baud);
  size_t setTxBufferSize(size_t bytes);
  size_t setRxBufferSize(size_t bytes);
  void setTxTimeoutMs(uint32_t ms);
  int available();
  int read();
  int availableForWrite();
  size_t write(const uint8_t *bytes, size_t len);
};
extern StandInSerial Serial;
