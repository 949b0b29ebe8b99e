/* An I2S microphone of the INMP441's class, by ESP-IDF's driver i2s_std (5.0 and later).
 *
 * The driver's interrupt says how many samples there are and when the last came. From that and the count of those that were read, each
 * block's time is known, however late the task runs. */
#include "driver/gpio.h"
#include "driver/i2s_std.h"
#include "esp_timer.h"
#include "tinsmith_config.h"
#include "tinsmith_esp_sensors.h"
#include "tinsmith_esp_task.h"
#include "tinsmith_sound.h"

/* 16 ms at 16 kHz: a frame of the link, and a buffer of the driver. */
#define BLOCK 256u
#define DRIVER_BLOCKS 8u
/* A second until the link or the model must have caught up. */
#define QUEUE_BLOCKS 64u
/* What an INMP441 says before it is ready, by its data sheet (2^18 clocks at 64 a sample), rounded up. */
#define SETTLE_SAMPLES 4608u
/* So much more that is all the same has no microphone behind it. */
#define LISTEN_SAMPLES 1024u

static const tinsmith_channel channels[] = {{"sound", "full scale", 1.0f / 32768}};

static uint64_t memory[QUEUE_BLOCKS * TINSMITH_QUEUE_SLOT(BLOCK, 2) / 8];
static tinsmith_queue queue;
static i2s_chan_handle_t channel;
static tinsmith_esp_task task;
static int32_t words[BLOCK];

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
    static int16_t samples[BLOCK];
    uint64_t taken = 0, lost = 0;
    received = overwritten = 0;
    tinsmith_queue_begin(&queue);
    if (i2s_channel_enable(channel) != ESP_OK) {
        return;
    }
    while (tinsmith_esp_is_on(&task)) {
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

bool tinsmith_esp_switch_microphone(bool on) {
    tinsmith_esp_switch(&task, on);
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
    if (i2s_new_channel(&channel_config, NULL, &channel) != ESP_OK || i2s_channel_init_std_mode(channel, &config) != ESP_OK) {
        return false;
    }
    /* A pin that nobody drives reads 0, not noise, so that it is known as such. Pins that cannot do this refuse it, and work. */
    (void)gpio_pulldown_en((gpio_num_t)TINSMITH_I2S_DATA);
    return i2s_channel_register_event_callback(channel, &callbacks, NULL) == ESP_OK;
}

/* Its buffers are memory that the model may need. */
static void close_channel(void) {
    if (channel != NULL) {
        (void)i2s_del_channel(channel);
        channel = NULL;
    }
}

/* Whether something speaks on the data pin, once it has had the time to begin. */
static bool hears(void) {
    size_t taken, bytes;
    bool is_dead = true;
    if (i2s_channel_enable(channel) != ESP_OK) {
        return false;
    }
    for (taken = 0; is_dead && taken < SETTLE_SAMPLES + LISTEN_SAMPLES; taken += BLOCK) {
        bytes = 0;
        i2s_channel_read(channel, words, sizeof words, &bytes, 100);
        is_dead = taken < SETTLE_SAMPLES || tinsmith_sound_is_dead(words, bytes / sizeof *words);
    }
    i2s_channel_disable(channel);
    return !is_dead;
}

tinsmith_microphone_state tinsmith_esp_microphone(tinsmith_sensor *sensor) {
    const tinsmith_sensor described = {1, TINSMITH_AUDIO, TINSMITH_I16, 1, TINSMITH_SOUND_HZ * 1000u, channels, &queue};
    if (TINSMITH_I2S_BCLK < 0) {
        return TINSMITH_MICROPHONE_OFF;
    }
    if (!open_channel()) {
        close_channel();
        return TINSMITH_MICROPHONE_FAILED;
    }
    if (!hears()) {
        close_channel();
        return TINSMITH_MICROPHONE_ABSENT;
    }
    tinsmith_queue_init(&queue, (uint8_t *)memory, sizeof memory, BLOCK, sizeof(int16_t));
    *sensor = described;
    return tinsmith_esp_start(&task, "microphone", record) ? TINSMITH_MICROPHONE_READY : TINSMITH_MICROPHONE_FAILED;
}
