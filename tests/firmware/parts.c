/* Parts of the firmware, for the tests.
 *
 * imu CHIP      a motion sensor of registers: what it was found as, what its registers hold, what is read of it
 * latency       numbers in; the figures of time out
 * sound BITS    words in, one a line; samples out */
#include "tinsmith_imu.h"
#include "tinsmith_latency.h"
#include "tinsmith_sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A chip as a bus sees it. */
typedef struct {
    uint8_t address, regs[256];
    uint8_t file[TINSMITH_BMI270_FILE_BYTES];
    bool is_big_endian;
    int answers; /* this often, then no more; negative: always */
    uint32_t waited_ms;
} chip;

static chip fake;
static uint8_t file[TINSMITH_BMI270_FILE_BYTES];

static bool answers(uint8_t address) {
    if (address != fake.address || fake.answers == 0) {
        return false;
    }
    fake.answers -= fake.answers > 0;
    return true;
}

static bool fake_read(void *context, uint8_t address, uint8_t reg, uint8_t *bytes, size_t len) {
    (void)context;
    if (!answers(address)) {
        return false;
    }
    memcpy(bytes, fake.regs + reg, len);
    return true;
}

/* Registers count up, but for that of a BMI270's file, whose place is counted in words. */
static bool fake_write(void *context, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t len) {
    bool is_bmi270 = fake.regs[0] == 0x24;
    (void)context;
    if (!answers(address)) {
        return false;
    }
    if (is_bmi270 && reg == 0x5e) {
        size_t at = 2u * ((fake.regs[0x5b] & 15u) + 16u * fake.regs[0x5c]);
        memcpy(fake.file + at, bytes, at + len <= sizeof fake.file ? len : 0);
        return true;
    }
    memcpy(fake.regs + reg, bytes, len);
    if (is_bmi270 && reg == 0x59 && bytes[0] == 1) {
        fake.regs[0x21] = memcmp(file, fake.file, sizeof file) == 0 && fake.regs[0x7c] == 0 ? 1 : 2;
    }
    return true;
}

static void fake_wait(void *context, uint32_t ms) {
    (void)context;
    fake.waited_ms += ms;
}

static void put(uint8_t reg, int value) {
    fake.regs[reg + (fake.is_big_endian ? 1 : 0)] = (uint8_t)value;
    fake.regs[reg + (fake.is_big_endian ? 0 : 1)] = (uint8_t)(value >> 8);
}

static int imu(const char *name) {
    static const struct {
        const char *name;
        uint8_t address, identity_reg, identity, status, ready, acceleration, rotation;
    } chips[] = {
        {"mpu6500", 0x68, 0x75, 0x70, 0x3a, 0x01, 0x3b, 0x43}, {"mpu9250", 0x69, 0x75, 0x71, 0x3a, 0x01, 0x3b, 0x43},
        {"mpu6050", 0x69, 0x75, 0x68, 0x3a, 0x01, 0x3b, 0x43}, {"lsm6ds3", 0x6a, 0x0f, 0x69, 0x1e, 0x03, 0x28, 0x22},
        {"lsm6dso", 0x6b, 0x0f, 0x6c, 0x1e, 0x07, 0x28, 0x22}, {"bmi160", 0x69, 0x00, 0xd1, 0x1b, 0xd0, 0x12, 0x0c},
        {"bmi270", 0x68, 0x00, 0x24, 0x03, 0xc0, 0x0c, 0x12},  {"other", 0x68, 0x75, 0x12, 0x3a, 0x01, 0x3b, 0x43},
    };
    static const int values[6] = {1, -2, 300, -4000, 5000, -32768};
    const tinsmith_bus bus = {NULL, fake_read, fake_write, fake_wait};
    bool has_file = strchr(name, '-') == NULL, is_dying = strstr(name, "-dying") != NULL;
    tinsmith_imu found;
    int16_t out[TINSMITH_IMU_CHANNELS];
    size_t c, i;
    int state;
    memset(&found, 0, sizeof found);
    for (i = 0; i < sizeof file; i++) {
        file[i] = (uint8_t)(i * 7 + i / 256);
    }
    fake.answers = -1;
    for (c = 0; c < sizeof chips / sizeof *chips && strncmp(name, chips[c].name, strlen(chips[c].name)) != 0; c++) {
    }
    if (c < sizeof chips / sizeof *chips) {
        fake.address = chips[c].address;
        fake.regs[chips[c].identity_reg] = chips[c].identity;
        fake.regs[0x3c] = fake.regs[0] == 0x24 ? 0x7b : 0; /* -5 in seven bits */
        fake.is_big_endian = chips[c].acceleration == 0x3b;
        fake.answers = is_dying ? 3 : -1;
    }
    state = (int)tinsmith_imu_open(&found, &bus, has_file ? file : NULL);
    printf("state %d\n", state);
    if (state != TINSMITH_IMU_READY) {
        return 0;
    }
    printf("%s %u %.9g %.9g\n", found.name, (unsigned)found.rate_mhz, (double)found.acceleration_step, (double)found.rotation_step);
    fake.regs[chips[c].status] = 0;
    printf("read %d\n", tinsmith_imu_read(&found, out));
    for (i = 0; i < 6; i++) {
        put((uint8_t)((i < 3 ? chips[c].acceleration : chips[c].rotation) + 2 * (i % 3)), values[i]);
    }
    fake.regs[chips[c].status] = chips[c].ready;
    printf("read %d:", tinsmith_imu_read(&found, out));
    for (i = 0; i < 6; i++) {
        printf(" %d", out[i]);
    }
    fake.answers = 0;
    printf("\nread %d\n", tinsmith_imu_read(&found, out));
    for (i = 0; i < 128; i++) {
        printf("%02x", fake.regs[i]);
    }
    printf("\n");
    return 0;
}

static int latency(void) {
    static tinsmith_latency l;
    tinsmith_stats stats;
    unsigned long us;
    tinsmith_latency_reset(&l);
    while (scanf("%lu", &us) == 1) {
        tinsmith_latency_add(&l, (uint32_t)us);
    }
    tinsmith_latency_stats(&l, &stats);
    printf("%lu %lu %lu %lu %lu %lu\n", (unsigned long)stats.inferences, (unsigned long)stats.mean_us, (unsigned long)stats.p50_us,
           (unsigned long)stats.p95_us, (unsigned long)stats.p99_us, (unsigned long)stats.max_us);
    return 0;
}

static int sound(unsigned gain_bits) {
    long word;
    while (scanf("%ld", &word) == 1) {
        int32_t in = (int32_t)word;
        int16_t out;
        tinsmith_sound_from_words(&in, 1, gain_bits, &out);
        printf("%d\n", out);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "imu") == 0) {
        return imu(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "sound") == 0) {
        return sound((unsigned)atoi(argv[2]));
    }
    return argc == 2 && strcmp(argv[1], "latency") == 0 ? latency() : 2;
}
