/* A motion sensor on I2C: a task that looks for a new instant every millisecond, more often than there is one. */
#include "esp_timer.h"
#include "tinsmith_config.h"
#include "tinsmith_esp_sensors.h"
#include "tinsmith_esp_task.h"

#ifdef TINSMITH_HAS_BMI270_FILE
#include "bmi270_config_file.h"
/* Bosch has smaller files too, which the driver would read beyond their end. */
_Static_assert(sizeof bmi270_config_file == TINSMITH_BMI270_FILE_BYTES, "bmi270_config_file.h has to be the one of 8192 bytes");
#define BMI270_FILE bmi270_config_file
#else
#define BMI270_FILE NULL
#endif

/* 20 ms, a frame of the link; and the second until the link or the model must have caught up. */
#define BLOCK 4u
#define QUEUE_BLOCKS 64u
#define INSTANT_BYTES (2u * TINSMITH_IMU_CHANNELS)
/* So long without an instant, and it is looked for anew. */
#define QUIET_US 1000000

static tinsmith_channel channels[TINSMITH_IMU_CHANNELS] = {
    {"ax", "m/s2", 0}, {"ay", "m/s2", 0}, {"az", "m/s2", 0}, {"gx", "deg/s", 0}, {"gy", "deg/s", 0}, {"gz", "deg/s", 0},
};

static uint64_t memory[QUEUE_BLOCKS * TINSMITH_QUEUE_SLOT(BLOCK, INSTANT_BYTES) / 8];
static tinsmith_queue queue;
static tinsmith_imu imu;
static tinsmith_esp_task task;
static const char *news; /* between tasks */

static void tell(const char *text) {
    __atomic_store_n(&news, text, __ATOMIC_RELEASE);
}

/* Sets up a sensor that has gone quiet: a wire was loose, or the chip has lost its settings with its power. */
static void open_again(void) {
    tinsmith_imu found;
    /* Another chip would measure in other units than were told. */
    if (tinsmith_imu_open(&found, &imu.bus, BMI270_FILE) == TINSMITH_IMU_READY && found.chip == imu.chip) {
        imu = found;
    }
}

/* Instants that should have come in this time. */
static uint32_t instants_in(int64_t us) {
    return (uint32_t)((us * (int64_t)imu.rate_mhz + 500000000) / 1000000000);
}

/* Reads until it is switched off. */
static void record(void) {
    int16_t instant[TINSMITH_IMU_CHANNELS];
    int64_t period_us = 1000000000 / (int64_t)imu.rate_mhz, before_us = esp_timer_get_time();
    bool has_begun = false, is_quiet = false;
    tinsmith_queue_begin(&queue);
    while (tinsmith_esp_is_on(&task)) {
        bool is_new = tinsmith_imu_read(&imu, instant) > 0;
        int64_t now_us = esp_timer_get_time(), since_us = now_us - before_us;
        if (is_new) {
            /* A whole period more than there should be is an instant that was not read. Sensors' own clocks are off by a few percent. */
            if (has_begun && since_us > 2 * period_us - period_us / 4) {
                tinsmith_queue_lose(&queue, instants_in(since_us) - 1);
            }
            if (is_quiet) {
                tell("The motion sensor measures again.");
            }
            before_us = now_us;
            has_begun = true;
            is_quiet = false;
            tinsmith_queue_add(&queue, (uint64_t)now_us, instant);
        } else if (since_us > QUIET_US) {
            tinsmith_queue_lose(&queue, instants_in(since_us));
            before_us = now_us;
            if (!is_quiet) {
                tell("The motion sensor has gone quiet; see its wires. It is looked for every second.");
            }
            has_begun = is_quiet = true;
            open_again();
        }
        vTaskDelay(1);
    }
}

bool tinsmith_esp_switch_imu(bool on) {
    tinsmith_esp_switch(&task, on);
    return true;
}

const char *tinsmith_esp_imu_news(void) {
    return __atomic_exchange_n(&news, NULL, __ATOMIC_ACQ_REL);
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
    return tinsmith_esp_start(&task, "motion", record) ? TINSMITH_IMU_READY : TINSMITH_IMU_FAILED;
}
