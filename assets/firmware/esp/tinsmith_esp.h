/* The board core on an ESP32, ESP32-S3 or ESP32-C3, for ESP-IDF and Arduino alike: its sensors, its tasks, its model. Who calls it
 * brings the serial port and the I2C bus, which the two do in ways of their own. */
#ifndef TINSMITH_ESP_H
#define TINSMITH_ESP_H

#include "tinsmith_imu.h"
#include "tinsmith_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A serial port. Both return at once with how many bytes they took or gave. */
typedef struct {
    size_t (*read)(void *context, uint8_t *bytes, size_t room);
    size_t (*write)(void *context, const uint8_t *bytes, size_t len);
} tinsmith_serial;

/* Sets up sensors and model. Without a bus there is no motion sensor. */
void tinsmith_esp_begin(const tinsmith_serial *serial, const tinsmith_bus *bus);

/* Serves the link for about a millisecond, and lets other tasks run. To be called over and over. */
void tinsmith_esp_loop(void);

#ifdef __cplusplus
}
#endif

#endif
