/* An I2S microphone of the INMP441's class, by ESP-IDF's driver i2s_std (5.0 and later).
 *
 * The driver's interrupt says how many samples there are and when the last came. From that and the count of those that were read, each
 * block's time is known, however late the task runs. */
#include "driver/i2s_std.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinsmith_config.h"
#include "tinsmith_esp_sensors.h"
#include "tinsmith_sound.h"

/* 16 ms at 16 kHz: a frame of the link, and a buffer of the driver. */
#define BLOCK 256u
#define DRIVER_BLOCKS 8u
/* A second until the link or the model must have caught up. */
#define QUEUE_BLOCKS 64u
/* What an INMP441 says before it is ready, by its data sheet (2^18 clocks at 64 a sample), rounded up. */
#define SETTLE_SAMPLES 4608u

static const tinsmith_channel channels[] = {{"sound", "full scale", 1.0f / 32768}};

static uint64_t memory[QUEUE_BLOCKS * TINSMITH_QUEUE_SLOT(BLOCK, 2) / 8];
static tinsmith_queue queue;
static i2s_chan_handle_t channel;
static TaskHandle_t task;
static bool is_on; /* between tasks */

/* Written by the interrupt. */
static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;
static uint64_t received, overwritten;
static int64_t received_us;

static bool IRAM_ATTR on_received(i2s_chan_handle_t handle, i2s_event_data_t *event, void *context) {
    (void)handle;
    (void)context;
    portENTER_CRITICAL_ISR(&lock);
    received += event->size / sizeof(int32_t);
    received_us = esp_timer_get_time();
    portEXIT_CRITICAL_ISR(&lock);
    return false;
}

/* The task was too late: the oldest buffer is gone. */
static bool IRAM_ATTR on_overwritten(i2s_chan_handle_t handle, i2s_event_data_t *event, void *context) {
    (void)handle;
    (void)context;
    portENTER_CRITICAL_ISR(&lock);
    overwritten += event->size / sizeof(int32_t);
    portEXIT_CRITICAL_ISR(&lock);
    return false;
}

/* Reads until it is switched off. */
static void record(void) {
    static int32_t words[BLOCK];
    static int16_t samples[BLOCK];
    uint64_t taken = 0, lost = 0;
    received = overwritten = 0;
    tinsmith_queue_begin(&queue);
    if (i2s_channel_enable(channel) != ESP_OK) {
        return;
    }
    while (__atomic_load_n(&is_on, __ATOMIC_ACQUIRE)) {
        size_t bytes = 0, n, i;
        uint64_t there, gone;
        int64_t last_us;
        if (i2s_channel_read(channel, words, sizeof words, &bytes, 100) != ESP_OK && bytes == 0) {
            continue;
        }
        portENTER_CRITICAL(&lock);
        there = received;
        gone = overwritten;
        last_us = received_us;
        portEXIT_CRITICAL(&lock);
        n = bytes / sizeof *words;
        if (gone > lost) {
            if (taken >= SETTLE_SAMPLES) {
                tinsmith_queue_lose(&queue, (uint32_t)(gone - lost));
            }
            taken += gone - lost;
            lost = gone;
        }
        tinsmith_sound_from_words(words, n, TINSMITH_SOUND_GAIN_BITS, samples);
        for (i = 0; i < n; i++, taken++) {
            int64_t before_us = ((int64_t)there - (int64_t)taken) * 1000000 / TINSMITH_SOUND_HZ;
            if (taken >= SETTLE_SAMPLES) {
                tinsmith_queue_add(&queue, (uint64_t)(last_us - before_us), &samples[i]);
            }
        }
    }
    i2s_channel_disable(channel);
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

bool tinsmith_esp_switch_microphone(bool on) {
    __atomic_store_n(&is_on, on, __ATOMIC_RELEASE);
    if (on) {
        xTaskNotifyGive(task);
    }
    return true;
}

static bool open_channel(void) {
    i2s_chan_config_t channel_config = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(TINSMITH_SOUND_HZ),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg =
            {
                .mclk = I2S_GPIO_UNUSED,
                .bclk = (gpio_num_t)TINSMITH_I2S_BCLK,
                .ws = (gpio_num_t)TINSMITH_I2S_WS,
                .dout = I2S_GPIO_UNUSED,
                .din = (gpio_num_t)TINSMITH_I2S_DATA,
                .invert_flags = {.mclk_inv = false, .bclk_inv = false, .ws_inv = false},
            },
    };
    i2s_event_callbacks_t callbacks = {.on_recv = on_received, .on_recv_q_ovf = on_overwritten};
    channel_config.dma_desc_num = DRIVER_BLOCKS;
    channel_config.dma_frame_num = BLOCK;
    config.slot_cfg.slot_mask = I2S_STD_SLOT_LEFT;
    return i2s_new_channel(&channel_config, NULL, &channel) == ESP_OK &&
           i2s_channel_init_std_mode(channel, &config) == ESP_OK &&
           i2s_channel_register_event_callback(channel, &callbacks, NULL) == ESP_OK;
}

bool tinsmith_esp_microphone(tinsmith_sensor *sensor) {
    const tinsmith_sensor described = {1, TINSMITH_AUDIO, TINSMITH_I16, 1, TINSMITH_SOUND_HZ * 1000u, channels, &queue};
    if (TINSMITH_I2S_BCLK < 0 || !open_channel()) {
        return false;
    }
    tinsmith_queue_init(&queue, (uint8_t *)memory, sizeof memory, BLOCK, sizeof(int16_t));
    *sensor = described;
    return xTaskCreate(run, "microphone", 3072, NULL, 10, &task) == pdPASS;
}
