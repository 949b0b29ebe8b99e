/* Pins and sensors of the board: the one place to change them.
 *
 * ESP-IDF: `idf.py menuconfig`, menu "Tinsmith board", sets the same and wins. Arduino: change the numbers here, or, to keep yours when
 * you export again, write your own `#define TINSMITH_I2S_BCLK 14` and so on into a file `my_config.h` beside this one. A pin of -1 means
 * that the sensor is not there. */
#ifndef TINSMITH_CONFIG_H
#define TINSMITH_CONFIG_H

#include "sdkconfig.h"

#if defined(__has_include)
#if __has_include("my_config.h")
#include "my_config.h"
#endif
/* Bosch's configuration file of the BMI270, if it is there: see README.md. */
#if __has_include("bmi270_config_file.h")
#define TINSMITH_HAS_BMI270_FILE 1
#endif
#endif

/* Pins of the chips' common development boards. */
#if defined(CONFIG_IDF_TARGET_ESP32S3)
#define TINSMITH_CHIP "ESP32-S3"
#define TINSMITH_PINS(esp32, s3, c3) s3
#elif defined(CONFIG_IDF_TARGET_ESP32C3)
#define TINSMITH_CHIP "ESP32-C3"
#define TINSMITH_PINS(esp32, s3, c3) c3
#elif defined(CONFIG_IDF_TARGET_ESP32)
#define TINSMITH_CHIP "ESP32"
#define TINSMITH_PINS(esp32, s3, c3) esp32
#else
#error "This firmware is for ESP32, ESP32-S3 and ESP32-C3; for another chip of Espressif's, add its pins here"
#endif

/* What menuconfig says. */
#if defined(CONFIG_TINSMITH_I2S_BCLK)
#define TINSMITH_I2S_BCLK CONFIG_TINSMITH_I2S_BCLK
#define TINSMITH_I2S_WS CONFIG_TINSMITH_I2S_WS
#define TINSMITH_I2S_DATA CONFIG_TINSMITH_I2S_DATA
#define TINSMITH_SOUND_HZ CONFIG_TINSMITH_SOUND_HZ
#define TINSMITH_SOUND_GAIN_BITS CONFIG_TINSMITH_SOUND_GAIN_BITS
#define TINSMITH_I2C_SDA CONFIG_TINSMITH_I2C_SDA
#define TINSMITH_I2C_SCL CONFIG_TINSMITH_I2C_SCL
#define TINSMITH_I2C_HZ CONFIG_TINSMITH_I2C_HZ
#define TINSMITH_ARENA_EXTRA CONFIG_TINSMITH_ARENA_EXTRA
#endif

/* An I2S microphone of the INMP441's class. Its pin L/R is tied to ground: it speaks in the left half. */
#ifndef TINSMITH_I2S_BCLK
#define TINSMITH_I2S_BCLK TINSMITH_PINS(26, 4, 4)
#endif
#ifndef TINSMITH_I2S_WS
#define TINSMITH_I2S_WS TINSMITH_PINS(25, 5, 5)
#endif
#ifndef TINSMITH_I2S_DATA
#define TINSMITH_I2S_DATA TINSMITH_PINS(33, 6, 6)
#endif
#ifndef TINSMITH_SOUND_HZ
#define TINSMITH_SOUND_HZ 16000
#endif
/* Louder by 2 to this power: these microphones put speech some 50 dB below full scale. */
#ifndef TINSMITH_SOUND_GAIN_BITS
#define TINSMITH_SOUND_GAIN_BITS 3
#endif

/* A motion sensor on I2C; which one is found out. */
#ifndef TINSMITH_I2C_SDA
#define TINSMITH_I2C_SDA TINSMITH_PINS(21, 8, 7)
#endif
#ifndef TINSMITH_I2C_SCL
#define TINSMITH_I2C_SCL TINSMITH_PINS(22, 9, 10)
#endif
#ifndef TINSMITH_I2C_HZ
#define TINSMITH_I2C_HZ 400000
#endif

/* What the arena has beyond what TensorFlow Lite Micro's own kernels need: ESP-NN's vector kernels on the S3 take scratch from it, and a
 * model that is loaded later may need more. */
#ifndef TINSMITH_ARENA_EXTRA
#define TINSMITH_ARENA_EXTRA TINSMITH_PINS(4096, 61440, 4096)
#endif

/* Bits a second on a UART. Native USB takes any. */
#define TINSMITH_BAUD 921600

#endif
