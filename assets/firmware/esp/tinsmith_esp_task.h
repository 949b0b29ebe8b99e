/* A task that measures for as long as its sensor is switched on. */
#ifndef TINSMITH_ESP_TASK_H
#define TINSMITH_ESP_TASK_H

#include <stdbool.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    TaskHandle_t handle;
    void (*record)(void); /* measures until tinsmith_esp_is_on says no */
    bool is_on;           /* between tasks */
} tinsmith_esp_task;

/* Whether there is memory for it. It begins switched off. */
bool tinsmith_esp_start(tinsmith_esp_task *task, const char *name, void (*record)(void));
void tinsmith_esp_switch(tinsmith_esp_task *task, bool on);
bool tinsmith_esp_is_on(const tinsmith_esp_task *task);

#ifdef __cplusplus
}
#endif

#endif
