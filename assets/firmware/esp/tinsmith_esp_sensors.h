/* The sensors of an ESP32 board, each with a task that fills a queue. */
#ifndef TINSMITH_ESP_SENSORS_H
#define TINSMITH_ESP_SENSORS_H

#include "tinsmith_imu.h"
#include "tinsmith_watch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TINSMITH_MICROPHONE_READY,
    TINSMITH_MICROPHONE_OFF,    /* its pin is -1 */
    TINSMITH_MICROPHONE_ABSENT, /* nothing speaks on its data pin */
    TINSMITH_MICROPHONE_FAILED  /* the driver does not take its settings, or there is no memory */
} tinsmith_microphone_state;

/* Sets up the microphone, listens for a third of a second whether it is there, and describes it. */
tinsmith_microphone_state tinsmith_esp_microphone(tinsmith_sensor *sensor);
bool tinsmith_esp_switch_microphone(bool on);

/* Finds the motion sensor, sets it up and describes it. */
tinsmith_imu_state tinsmith_esp_imu(tinsmith_sensor *sensor, const tinsmith_bus *bus);
bool tinsmith_esp_switch_imu(bool on);
/* What has happened to it since the last call, or NULL. */
const char *tinsmith_esp_imu_news(void);

#ifdef __cplusplus
}
#endif

#endif
