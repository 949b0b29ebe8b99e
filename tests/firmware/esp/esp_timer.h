#pragma once
#include "esp_stand_in.h"
int64_t esp_timer_get_time(void);
