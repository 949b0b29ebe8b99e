/* The tasks that measure on an ESP32, run against a clock, an I2C bus and an I2S driver that are made up.
 *
 * imu GONE BACK END   a motion sensor that has no power from GONE to BACK; measures until END (ms): what is told, what is queued and lost
 * microphone WHAT     a data line that is 0, is -1, hums, or is 0 and then hums: whether a microphone is found */
#include "driver/gpio.h"
#include "driver/i2s_std.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinsmith_esp_sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_US 5000

static int64_t now_us, measured_us, gone_us, back_us, end_us;
static uint8_t regs[128];
static void (*task_run)(void *);
static void *task_argument;
static int takes;
static tinsmith_sensor sensor;
static unsigned long instants, dropped;

int64_t esp_timer_get_time(void) {
    return now_us;
}

void stand_in_lock(portMUX_TYPE *lock) {
    (void)lock;
}

BaseType_t xTaskCreate(void (*run)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority, TaskHandle_t *task) {
    (void)name, (void)stack, (void)priority, (void)task;
    task_run = run;
    task_argument = argument;
    return pdPASS;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task) {
    (void)task;
    return pdPASS;
}

/* Once to begin; then it was switched off. */
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks) {
    (void)clear, (void)ticks;
    if (takes++ > 0) {
        printf("%lu queued, %lu dropped, %lu lost\n", instants, dropped, (unsigned long)tinsmith_queue_lost(sensor.queue));
        exit(0);
    }
    return 1;
}

/* What the link's task does meanwhile. */
void vTaskDelay(TickType_t ticks) {
    const tinsmith_block *block;
    const uint8_t *bytes;
    const char *news = tinsmith_esp_imu_news();
    now_us += 1000 * (int64_t)ticks;
    while ((block = tinsmith_queue_peek(sensor.queue, &bytes)) != NULL) {
        instants += block->n;
        dropped += block->dropped;
        tinsmith_queue_take(sensor.queue);
    }
    if (news != NULL) {
        printf("%ld ms: %s\n", (long)(now_us / 1000), news);
    }
    if (now_us >= end_us) {
        tinsmith_esp_switch_imu(false);
    }
}

static bool has_power(uint8_t address) {
    bool has = now_us < gone_us || now_us >= back_us;
    if (!has) {
        /* What an MPU-6050 holds when it is switched on: it sleeps. */
        memset(regs, 0, sizeof regs);
        regs[0x6b] = 0x40;
        regs[0x75] = 0x68;
    }
    return has && address == 0x68;
}

static bool bus_read(void *context, uint8_t address, uint8_t reg, uint8_t *bytes, size_t len) {
    bool measures = (regs[0x6b] & 0x40) == 0 && regs[0x38] == 1 && now_us - measured_us >= PERIOD_US;
    (void)context;
    if (!has_power(address)) {
        return false;
    }
    if (reg == 0x3a) {
        regs[0x3a] = measures;
        measured_us = measures ? now_us - now_us % PERIOD_US : measured_us;
    }
    memcpy(bytes, regs + reg, len);
    return true;
}

static bool bus_write(void *context, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t len) {
    (void)context;
    if (!has_power(address)) {
        return false;
    }
    memcpy(regs + reg, bytes, len);
    return true;
}

static void bus_wait_ms(void *context, uint32_t ms) {
    (void)context;
    now_us += 1000 * (int64_t)ms;
}

static int imu(char **times) {
    const tinsmith_bus bus = {NULL, bus_read, bus_write, bus_wait_ms};
    regs[0x75] = 0x68;
    gone_us = back_us = INT64_MAX;
    if (tinsmith_esp_imu(&sensor, &bus) != TINSMITH_IMU_READY) {
        return 1;
    }
    now_us = 0;
    gone_us = 1000 * atol(times[0]);
    back_us = 1000 * atol(times[1]);
    end_us = 1000 * atol(times[2]);
    tinsmith_esp_switch_imu(true);
    task_run(task_argument);
    return 1;
}

static const char *line;
static uint32_t words_read;
static struct stand_in_i2s {
    bool is_open;
} i2s;

esp_err_t gpio_pulldown_en(gpio_num_t pin) {
    (void)pin;
    return ESP_OK;
}

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *tx, i2s_chan_handle_t *rx) {
    (void)config, (void)tx;
    i2s.is_open = true;
    *rx = &i2s;
    return ESP_OK;
}

esp_err_t i2s_del_channel(i2s_chan_handle_t handle) {
    handle->is_open = false;
    return ESP_OK;
}

esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t handle, const i2s_std_config_t *config) {
    (void)handle, (void)config;
    return ESP_OK;
}

esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t handle, const i2s_event_callbacks_t *callbacks, void *user_data) {
    (void)handle, (void)callbacks, (void)user_data;
    return ESP_OK;
}

esp_err_t i2s_channel_enable(i2s_chan_handle_t handle) {
    (void)handle;
    return ESP_OK;
}

esp_err_t i2s_channel_disable(i2s_chan_handle_t handle) {
    (void)handle;
    return ESP_OK;
}

esp_err_t i2s_channel_read(i2s_chan_handle_t handle, void *dest, size_t size, size_t *bytes_read, uint32_t timeout_ms) {
    int32_t *words = (int32_t *)dest;
    size_t i;
    (void)handle, (void)timeout_ms;
    for (i = 0; i < size / sizeof *words; i++, words_read++) {
        bool hums = strcmp(line, "hums") == 0 || (strcmp(line, "late") == 0 && words_read > 4700);
        /* A click as it is switched on is not yet a microphone. */
        words[i] = words_read == 100 ? 1 << 20 : hums ? (int32_t)(words_read % 7) * 256 : atoi(line);
    }
    *bytes_read = size;
    return ESP_OK;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "imu") == 0) {
        return imu(argv + 2);
    }
    if (argc != 3) {
        return 2;
    }
    line = argv[2];
    printf("state %d\n", (int)tinsmith_esp_microphone(&sensor));
    printf("driver %s\n", i2s.is_open ? "open" : "gone");
    return 0;
}
