/* Declarations of our own of what the firmware uses of FreeRTOS on ESP32: enough to compile against. */
#pragma once
#include "esp_stand_in.h"

typedef uint32_t TickType_t;
typedef int BaseType_t;
typedef unsigned UBaseType_t;
#define pdTRUE 1
#define pdPASS 1
#define portMAX_DELAY 0xffffffffu
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))

typedef struct {
    int owner;
} portMUX_TYPE;
#define portMUX_INITIALIZER_UNLOCKED {0}
void stand_in_lock(portMUX_TYPE *lock);
#define portENTER_CRITICAL(lock) stand_in_lock(lock)
#define portEXIT_CRITICAL(lock) stand_in_lock(lock)
#define portENTER_CRITICAL_ISR(lock) stand_in_lock(lock)
#define portEXIT_CRITICAL_ISR(lock) stand_in_lock(lock)
