#pragma once
#include "esp_stand_in.h"
#ifdef __cplusplus
extern "C" {
#endif
#define MALLOC_CAP_8BIT 4
#define MALLOC_CAP_SPIRAM 1024
#define MALLOC_CAP_INTERNAL 2048
void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps);
void heap_caps_free(void *memory);
#ifdef __cplusplus
}
#endif
