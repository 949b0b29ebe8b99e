/* Pins and sensors of the board: the one place to change them.
 *
 * ESP-IDF: `idf.py menuconfig`, menu "Tinsmith board", sets the same and wins. Arduino: change the numbers here. A pin of -1 means that
 * the sensor is not there. */
#ifndef TINSMITH_CONFIG_H
#define TINSMITH_CONFIG_H

#if defined(ESP_PLATFORM) || defined(ARDUINO)
#include "sdkconfig.h"
#endif

/* The chip's usual pins on its common development boards. */
#if defined(CONFIG_IDF_TARGET_ESP32S3)
#define TINSMITH_CHIP "ESP32-S3"
#define TINSMITH_DEFAULT_BCLK 4
#define TINSMITH_DEFAULT_WS 5
#define TINSMITH_DEFAULT_DATA 6
#define TINSMITH_DEFAULT_SDA 8
#define TINSMITH_DEFAULT_SCL 9
#elif defined(CONFIG_IDF_TARGET_ESP32C3)
#define TINSMITH_CHIP "ESP32-C3"
#define TINSMITH_DEFAULT_BCLK 4
#define TINSMITH_DEFAULT_WS 5
#define TINSMITH_DEFAULT_DATA 6
#define TINSMITH_DEFAULT_SDA 7
#define TINSMITH_DEFAULT_SCL 10
#elif defined(CONFIG_IDF_TARGET_ESP32)
#define TINSMITH_CHIP "ESP32"
#define TINSMITH_DEFAULT_BCLK 26
#define TINSMITH_DEFAULT_WS 25
#define TINSMITH_DEFAULT_DATA 33
#define TINSMITH_DEFAULT_SDA 21
#define TINSMITH_DEFAULT_SCL 22
#else
#error "This firmware is for ESP32, ESP32-S3 and ESP32-C3; for another chip of theirs, add its pins here"
#endif

/* An I2S microphone of the INMP441's class. Its pin L/R is tied to ground: it speaks in the left half. */
#if defined(CONFIG_TINSMITH_I2S_BCLK)
#define TINSMITH_I2S_BCLK CONFIG_TINSMITH_I2S_BCLK
#define TINSMITH_I2S_WS CONFIG_TINSMITH_I2S_WS
#define TINSMITH_I2S_DATA CONFIG_TINSMITH_I2S_DATA
#define TINSMITH_SOUND_HZ CONFIG_TINSMITH_SOUND_HZ
#define TINSMITH_SOUND_GAIN_BITS CONFIG_TINSMITH_SOUND_GAIN_BITS
#else
#define TINSMITH_I2S_BCLK TINSMITH_DEFAULT_BCLK
#define TINSMITH_I2S_WS TINSMITH_DEFAULT_WS
#define TINSMITH_I2S_DATA TINSMITH_DEFAULT_DATA
#define TINSMITH_SOUND_HZ 16000
/* Louder by 2 to this power: these microphones put speech some 50 dB below full scale. */
#define TINSMITH_SOUND_GAIN_BITS 3
#endif

/* A motion sensor on I2C; which one is found out. */
#if defined(CONFIG_TINSMITH_I2C_SDA)
#define TINSMITH_I2C_SDA CONFIG_TINSMITH_I2C_SDA
#define TINSMITH_I2C_SCL CONFIG_TINSMITH_I2C_SCL
#define TINSMITH_I2C_HZ CONFIG_TINSMITH_I2C_HZ
#else
#define TINSMITH_I2C_SDA TINSMITH_DEFAULT_SDA
#define TINSMITH_I2C_SCL TINSMITH_DEFAULT_SCL
#define TINSMITH_I2C_HZ 400000
#endif

/* Bits a second on a UART. Native USB takes any. */
#define TINSMITH_BAUD 921600

/* What the arena has beyond what TensorFlow Lite Micro's own kernels need: ESP-NN's vector kernels take scratch from it, and a model
 * that is loaded later may need more. */
#if defined(CONFIG_TINSMITH_ARENA_EXTRA)
#define TINSMITH_ARENA_EXTRA CONFIG_TINSMITH_ARENA_EXTRA
#elif defined(CONFIG_IDF_TARGET_ESP32S3)
#define TINSMITH_ARENA_EXTRA 61440
#else
#define TINSMITH_ARENA_EXTRA 4096
#endif

/* Bosch's configuration file of the BMI270, if it is there: see the README. */
#if defined(__has_include)
#if __has_include("bmi270_config_file.h")
#define TINSMITH_HAS_BMI270_FILE 1
#endif
#endif

#endif
