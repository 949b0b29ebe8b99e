/* A motion sensor on I2C: a task that looks for a new instant every millisecond, more often than there is one. */
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinsmith_config.h"
#include "tinsmith_esp_sensors.h"

#ifdef TINSMITH_HAS_BMI270_FILE
#include "bmi270_config_file.h"
#define BMI270_FILE bmi270_config_file
#else
#define BMI270_FILE NULL
#endif

/* 20 ms, a frame of the link; and the second until the link or the model must have caught up. */
#define BLOCK 4u
#define QUEUE_BLOCKS 64u
#define INSTANT_BYTES (2u * TINSMITH_IMU_CHANNELS)

static tinsmith_channel channels[TINSMITH_IMU_CHANNELS] = {
    {"ax", "m/s2", 0}, {"ay", "m/s2", 0}, {"az", "m/s2", 0}, {"gx", "deg/s", 0}, {"gy", "deg/s", 0}, {"gz", "deg/s", 0},
};

static uint64_t memory[QUEUE_BLOCKS * TINSMITH_QUEUE_SLOT(BLOCK, INSTANT_BYTES) / 8];
static tinsmith_queue queue;
static tinsmith_imu imu;
static TaskHandle_t task;
static bool is_on; /* between tasks */

/* Reads until it is switched off. */
static void record(void) {
    int16_t instant[TINSMITH_IMU_CHANNELS];
    int64_t period_us = 1000000000 / (int64_t)imu.rate_mhz, before_us = 0;
    tinsmith_queue_begin(&queue);
    while (__atomic_load_n(&is_on, __ATOMIC_ACQUIRE)) {
        if (tinsmith_imu_read(&imu, instant) > 0) {
            int64_t now_us = esp_timer_get_time();
            /* A whole period more than there should be is an instant that was not read. Sensors' own clocks are off by a few percent. */
            if (before_us > 0 && now_us - before_us > 2 * period_us - period_us / 4) {
                tinsmith_queue_lose(&queue, (uint32_t)((now_us - before_us + period_us / 2) / period_us - 1));
            }
            before_us = now_us;
            tinsmith_queue_add(&queue, (uint64_t)now_us, instant);
        }
        vTaskDelay(1);
    }
}

static void run(void *argument) {
    (void)argument;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        if (__atomic_load_n(&is_on, __ATOMIC_ACQUIRE)) {
            record();
        }
    }
}

bool tinsmith_esp_switch_imu(bool on) {
    __atomic_store_n(&is_on, on, __ATOMIC_RELEASE);
    if (on) {
        xTaskNotifyGive(task);
    }
    return true;
}

tinsmith_imu_state tinsmith_esp_imu(tinsmith_sensor *sensor, const tinsmith_bus *bus) {
    tinsmith_imu_state state = tinsmith_imu_open(&imu, bus, BMI270_FILE);
    const tinsmith_sensor described = {
        2, TINSMITH_IMU, TINSMITH_I16, TINSMITH_IMU_CHANNELS, imu.rate_mhz, channels, &queue,
    };
    int axis;
    if (state != TINSMITH_IMU_READY) {
        return state;
    }
    for (axis = 0; axis < 3; axis++) {
        channels[axis].step = imu.acceleration_step;
        channels[3 + axis].step = imu.rotation_step;
    }
    tinsmith_queue_init(&queue, (uint8_t *)memory, sizeof memory, BLOCK, INSTANT_BYTES);
    *sensor = described;
    return xTaskCreate(run, "motion", 3072, NULL, 10, &task) == pdPASS ? TINSMITH_IMU_READY : TINSMITH_IMU_FAILED;
}
