#pragma once
#include "esp_stand_in.h"
uint32_t esp_get_free_heap_size(void);
