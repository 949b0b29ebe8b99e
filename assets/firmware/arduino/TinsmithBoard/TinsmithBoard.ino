// Tinsmith's board firmware for Arduino, ESP32 core 3.x: its serial port and its I2C bus. The rest is in src.
#include <Wire.h>

#include "src/tinsmith_config.h"
#include "src/tinsmith_esp.h"

static size_t serialRead(void *, uint8_t *bytes, size_t room) {
  size_t n = 0;
  while (n < room && Serial.available() > 0) bytes[n++] = static_cast<uint8_t>(Serial.read());
  return n;
}

static size_t serialWrite(void *, const uint8_t *bytes, size_t len) {
  const int room = Serial.availableForWrite();
  if (room <= 0) return 0;
  return Serial.write(bytes, len < static_cast<size_t>(room) ? len : static_cast<size_t>(room));
}

static bool busRead(void *, uint8_t address, uint8_t reg, uint8_t *bytes, size_t len) {
  Wire.beginTransmission(address);
  Wire.write(reg);
  if (Wire.endTransmission(false) != 0 || Wire.requestFrom(address, len) != len) return false;
  for (size_t i = 0; i < len; ++i) bytes[i] = static_cast<uint8_t>(Wire.read());
  return true;
}

static bool busWrite(void *, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t len) {
  Wire.beginTransmission(address);
  Wire.write(reg);
  Wire.write(bytes, len);
  return Wire.endTransmission() == 0;
}

static void busWaitMs(void *, uint32_t ms) { delay(ms); }

static const tinsmith_serial serial = {serialRead, serialWrite};
static const tinsmith_bus bus = {nullptr, busRead, busWrite, busWaitMs};

void setup() {
  Serial.setTxBufferSize(8192);
  Serial.setRxBufferSize(4096);
  Serial.begin(TINSMITH_BAUD);
#if ARDUINO_USB_CDC_ON_BOOT
  // A computer that does not read must not stop the sensors.
  Serial.setTxTimeoutMs(0);
#endif
  const bool hasBus = TINSMITH_I2C_SDA >= 0 && Wire.begin(TINSMITH_I2C_SDA, TINSMITH_I2C_SCL, TINSMITH_I2C_HZ);
  tinsmith_esp_begin(&serial, hasBus ? &bus : nullptr);
}

void loop() { tinsmith_esp_loop(); }
