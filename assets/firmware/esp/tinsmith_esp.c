/* See tinsmith_esp.h. */
#include "tinsmith_esp.h"

#include <string.h>

#include "esp_mac.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinsmith_board.h"
#include "tinsmith_config.h"
#include "tinsmith_esp_sensors.h"
#include "tinsmith_model.h"
#include "tinsmith_tflm.h"

/* So many small things are done before other tasks may run. */
#define STEPS 32

static tinsmith_board board;
static tinsmith_sensor sensors[2];
static bool (*switches[2])(bool on);

static uint64_t time_us(void *context) {
    (void)context;
    return (uint64_t)esp_timer_get_time();
}

static uint32_t free_heap(void *context) {
    (void)context;
    return esp_get_free_heap_size();
}

static bool switch_sensor(void *context, uint8_t index, bool on) {
    (void)context;
    return switches[index](on);
}

/* The board's own address: no two have the same. */
static uint64_t number(void) {
    uint8_t mac[6] = {0};
    uint64_t all = 0;
    size_t i;
    esp_efuse_mac_get_default(mac);
    for (i = 0; i < sizeof mac; i++) {
        all = all << 8 | mac[i];
    }
    return all;
}

#if TINSMITH_HAS_FEATURES
/* The microphone's rate can be set; a motion sensor's is what its chip has. */
#if TINSMITH_FEATURES_SENSOR == 1 && TINSMITH_FEATURES_HZ != TINSMITH_SOUND_HZ
#error "TINSMITH_SOUND_HZ is not the rate that the model's features are for, TINSMITH_FEATURES_HZ of tinsmith_model.h"
#endif

static tinsmith_features_state features_state;
static float features_values[TINSMITH_FEATURES_VALUES];

static void features_reset(void *context) {
    tinsmith_features_reset(context);
}

static bool features_push(void *context, const float *instant, float *values) {
    return tinsmith_features_push(context, instant, values) != 0;
}

static const tinsmith_front_end front_end = {
    TINSMITH_FEATURES_SENSOR, TINSMITH_FEATURES_VALUES, TINSMITH_FEATURES_STEP, TINSMITH_FEATURES_SPAN,
    features_values,          &features_state,          features_reset,         features_push,
};
#endif

static void add(char *note, size_t room, const char *text) {
    strncat(note, text, room - strlen(note) - 1);
}

/* Adds what there is. What there is not is said in a note: whoever connects sees it. */
static void add_sensors(tinsmith_board_settings *settings, const tinsmith_bus *bus, char *note, size_t room) {
    const char *trouble = NULL;
    switch (tinsmith_esp_microphone(&sensors[settings->n_sensors])) {
    case TINSMITH_MICROPHONE_READY:
        switches[settings->n_sensors++] = tinsmith_esp_switch_microphone;
        break;
    case TINSMITH_MICROPHONE_OFF:
        break;
    case TINSMITH_MICROPHONE_ABSENT:
        add(note, room, "No I2S microphone speaks; see its wires, and reset. ");
        break;
    case TINSMITH_MICROPHONE_FAILED:
        add(note, room, "The I2S microphone could not be set up; see tinsmith_config.h. ");
        break;
    }
    if (bus == NULL) {
        return;
    }
    switch (tinsmith_esp_imu(&sensors[settings->n_sensors], bus)) {
    case TINSMITH_IMU_READY:
        switches[settings->n_sensors++] = tinsmith_esp_switch_imu;
        break;
    case TINSMITH_IMU_ABSENT:
        trouble = "No motion sensor answers on I2C; see its wires, and reset. ";
        break;
    case TINSMITH_IMU_FAILED:
        trouble = "The motion sensor answers but does not take its settings. ";
        break;
    case TINSMITH_IMU_NEEDS_FILE:
        trouble = "A BMI270 is there, but not Bosch's configuration file for it; see the README. ";
        break;
    }
    if (trouble != NULL) {
        add(note, room, trouble);
    }
}

void tinsmith_esp_begin(const tinsmith_serial *serial, const tinsmith_bus *bus) {
    tinsmith_board_settings settings;
    tinsmith_network network;
    char note[TINSMITH_MAX_NOTE + 1] = "";
    memset(&settings, 0, sizeof settings);
    add_sensors(&settings, bus, note, sizeof note);
    settings.number = number();
    settings.name = TINSMITH_CHIP;
    settings.firmware = "tinsmith " TINSMITH_VERSION;
    settings.sensors = sensors;
    settings.hardware.time_us = time_us;
    settings.hardware.read = serial->read;
    settings.hardware.write = serial->write;
    settings.hardware.free_heap = free_heap;
    settings.hardware.switch_sensor = switch_sensor;
#if TINSMITH_HAS_MODEL
    settings.hardware.model_room = tinsmith_tflm_room;
    settings.hardware.model_open = tinsmith_tflm_open;
    settings.hardware.model_drop = tinsmith_tflm_drop;
    settings.hardware.model_run = tinsmith_tflm_run;
    if (tinsmith_tflm_begin(&network) == TINSMITH_DONE) {
        settings.network = &network;
    } else {
        add(note, sizeof note, "The model could not be set up: too little memory, or too small an arena.");
    }
#else
    (void)network;
#endif
#if TINSMITH_HAS_FEATURES
    settings.front_end = &front_end;
#endif
    tinsmith_board_init(&board, &settings);
    tinsmith_board_note(&board, TINSMITH_WARNING, note);
}

void tinsmith_esp_loop(void) {
    int i;
    /* One after the other: the board has room for one. */
    const char *news = board.news == NULL ? tinsmith_esp_imu_news() : NULL;
    if (news != NULL) {
        tinsmith_board_tell(&board, TINSMITH_WARNING, news);
    }
    for (i = 0; i < STEPS && tinsmith_board_poll(&board); i++) {
    }
    vTaskDelay(1);
}
