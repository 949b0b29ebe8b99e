/* What the other stand-ins share. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
#define ESP_OK 0
#define IRAM_ATTR
typedef enum { GPIO_NUM_NC = -1, GPIO_NUM_MAX = 49 } gpio_num_t;
