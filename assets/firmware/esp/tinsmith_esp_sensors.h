/* The sensors of an ESP32 board, each with a task that fills a queue. */
#ifndef TINSMITH_ESP_SENSORS_H
#define TINSMITH_ESP_SENSORS_H

#include "tinsmith_imu.h"
#include "tinsmith_watch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets up the microphone and describes it. Whether it could. */
bool tinsmith_esp_microphone(tinsmith_sensor *sensor);
bool tinsmith_esp_switch_microphone(bool on);

/* Finds the motion sensor, sets it up and describes it. */
tinsmith_imu_state tinsmith_esp_imu(tinsmith_sensor *sensor, const tinsmith_bus *bus);
bool tinsmith_esp_switch_imu(bool on);

#ifdef __cplusplus
}
#endif

#endif
