/* See tinsmith_esp_task.h. */
#include "tinsmith_esp_task.h"

#define STACK_BYTES 3072
/* Above that of the link, which has the queue's time; below that of drivers. */
#define PRIORITY 10

static void run(void *argument) {
    tinsmith_esp_task *task = (tinsmith_esp_task *)argument;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        if (tinsmith_esp_is_on(task)) {
            task->record();
        }
    }
}

bool tinsmith_esp_start(tinsmith_esp_task *task, const char *name, void (*record)(void)) {
    task->record = record;
    return xTaskCreate(run, name, STACK_BYTES, task, PRIORITY, &task->handle) == pdPASS;
}

void tinsmith_esp_switch(tinsmith_esp_task *task, bool on) {
    __atomic_store_n(&task->is_on, on, __ATOMIC_RELEASE);
    if (on) {
        xTaskNotifyGive(task->handle);
    }
}

bool tinsmith_esp_is_on(const tinsmith_esp_task *task) {
    return __atomic_load_n(&task->is_on, __ATOMIC_ACQUIRE);
}
