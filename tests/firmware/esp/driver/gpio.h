/* Declarations of our own of what the firmware uses of ESP-IDF's GPIO driver: enough to compile against. */
#pragma once
#include "esp_stand_in.h"
esp_err_t gpio_pulldown_en(gpio_num_t pin);
