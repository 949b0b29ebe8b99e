/* Declarations of our own of what the firmware uses of FreeRTOS's tasks: enough to compile against. */
#pragma once
#include "freertos/FreeRTOS.h"

typedef struct stand_in_task *TaskHandle_t;
BaseType_t xTaskCreate(void (*run)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority, TaskHandle_t *task);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
