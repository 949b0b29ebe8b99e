/* See tinsmith_imu.h.
 *
 * Data sheets: MPU-6000/MPU-6050 register map RM-MPU-6000A-00 (MPU-6500: RM-MPU-6500A-00), LSM6DS3 DocID026899, LSM6DSL DocID028475,
 * LSM6DSO DS12140, LSM6DSR DS11989, BMI160 BST-BMI160-DS000, BMI270 BST-BMI270-DS000. */
#include "tinsmith_imu.h"

#define STANDARD_GRAVITY 9.80665f
/* Bytes of a BMI270's file that are written at once. */
#define FILE_PIECE 32u

/* A register to set, and how long the chip takes for it. */
typedef struct {
    uint8_t reg, value, wait_ms;
} setting;

#define MAX_SETTINGS 8u
#define MAX_IDENTITIES 5u

struct tinsmith_imu_chip {
    const char *name;
    uint8_t addresses[2];
    uint8_t identity_reg;
    uint8_t identities[MAX_IDENTITIES]; /* up to the first 0 */
    setting settings[MAX_SETTINGS];     /* up to the first register 0, which nothing is written to */
    uint8_t status_reg, status_ready;   /* all of these bits are set when an instant is there */
    uint8_t data_reg, data_len, acceleration_at, rotation_at;
    bool is_big_endian, needs_file;
    uint32_t rate_mhz;
    float steps_a_g, steps_a_degree;
};

static const tinsmith_imu_chip chips[] = {
    {
        "MPU-6050", {0x68, 0x69}, 0x75, {0x68},
        /* Reset; clock of the gyroscope; low-pass at 94 Hz, and so 1 kHz inside; every fifth; 500 degrees/s; 4 g; tell of new data. */
        {{0x6b, 0x80, 100}, {0x6b, 0x01, 10}, {0x1a, 0x02, 0}, {0x19, 4, 0}, {0x1b, 0x08, 0}, {0x1c, 0x08, 0}, {0x38, 0x01, 50}},
        0x3a, 0x01, 0x3b, 14, 0, 8, true, false, 200000, 8192.0f, 65.5f,
    },
    {
        /* Identities: MPU-6500, MPU-9250, MPU-9255. */
        "MPU-6500", {0x68, 0x69}, 0x75, {0x70, 0x71, 0x73},
        /* The same, but that acceleration has a low-pass of its own: 99 Hz. */
        {{0x6b, 0x80, 100}, {0x6b, 0x01, 10}, {0x1a, 0x02, 0}, {0x1d, 0x02, 0}, {0x19, 4, 0}, {0x1b, 0x08, 0}, {0x1c, 0x08, 0},
         {0x38, 0x01, 50}},
        0x3a, 0x01, 0x3b, 14, 0, 8, true, false, 200000, 8192.0f, 65.5f,
    },
    {
        /* Identities: LSM6DS3, LSM6DSL and LSM6DS3TR-C, LSM6DSR, LSM6DSO and LSM6DSOX. */
        "LSM6DS", {0x6a, 0x6b}, 0x0f, {0x69, 0x6a, 0x6b, 0x6c},
        /* Reset; whole instants only, addresses that count up; 208 Hz and 4 g; 208 Hz and 500 degrees/s. */
        {{0x12, 0x01, 20}, {0x12, 0x44, 0}, {0x10, 0x58, 0}, {0x11, 0x54, 100}},
        0x1e, 0x03, 0x22, 12, 6, 0, false, false, 208000, 1000.0f / 0.122f, 1000.0f / 17.5f,
    },
    {
        "BMI160", {0x68, 0x69}, 0x00, {0xd1},
        /* Reset; accelerometer on; gyroscope on; 200 Hz unfiltered further; 4 g; the same; 500 degrees/s. */
        {{0x7e, 0xb6, 50}, {0x7e, 0x11, 10}, {0x7e, 0x15, 100}, {0x40, 0x29, 1}, {0x41, 0x05, 1}, {0x42, 0x29, 1}, {0x43, 0x02, 20}},
        0x1b, 0xc0, 0x0c, 12, 6, 0, false, false, 200000, 8192.0f, 65.6f,
    },
    {
        "BMI270", {0x68, 0x69}, 0x00, {0x24},
        /* After its file. 200 Hz in full performance; 4 g; the same; 500 degrees/s; both on. */
        {{0x40, 0xa9, 1}, {0x41, 0x01, 1}, {0x42, 0xe9, 1}, {0x43, 0x02, 1}, {0x7d, 0x0e, 60}},
        0x03, 0xc0, 0x0c, 12, 0, 6, false, true, 200000, 8192.0f, 65.6f,
    },
};

static bool read_regs(const tinsmith_imu *imu, uint8_t reg, uint8_t *bytes, size_t len) {
    return imu->bus.read(imu->bus.context, imu->address, reg, bytes, len);
}

static bool write_reg(const tinsmith_imu *imu, setting s) {
    bool is_written = imu->bus.write(imu->bus.context, imu->address, s.reg, &s.value, 1);
    if (s.wait_ms > 0) {
        imu->bus.wait_ms(imu->bus.context, s.wait_ms);
    }
    return is_written;
}

static bool is_known(const tinsmith_imu_chip *chip, uint8_t identity) {
    size_t i;
    for (i = 0; i < MAX_IDENTITIES && chip->identities[i] != 0; i++) {
        if (chip->identities[i] == identity) {
            return true;
        }
    }
    return false;
}

static bool find(tinsmith_imu *imu) {
    size_t c, a;
    uint8_t identity;
    for (c = 0; c < sizeof chips / sizeof *chips; c++) {
        for (a = 0; a < 2; a++) {
            imu->chip = &chips[c];
            imu->address = chips[c].addresses[a];
            if (read_regs(imu, chips[c].identity_reg, &identity, 1) && is_known(&chips[c], identity)) {
                return true;
            }
        }
    }
    imu->chip = NULL;
    return false;
}

/* A BMI270 runs a program of Bosch's that it does not keep: reset, no power saving, prepare, the file, go. */
static bool send_file(tinsmith_imu *imu, const uint8_t *file) {
    static const setting reset = {0x7e, 0xb6, 5}, awake = {0x7c, 0x00, 1}, prepare = {0x59, 0x00, 0}, go = {0x59, 0x01, 150};
    uint8_t status, cross_axis;
    size_t at;
    bool is_sent = write_reg(imu, reset) && write_reg(imu, awake) && write_reg(imu, prepare);
    for (at = 0; is_sent && at < TINSMITH_BMI270_FILE_BYTES; at += FILE_PIECE) {
        /* Where the piece belongs, in words: low 4 bits, then the rest. */
        uint8_t place[2];
        place[0] = (uint8_t)(at / 2 & 15u);
        place[1] = (uint8_t)(at / 2 >> 4);
        is_sent = imu->bus.write(imu->bus.context, imu->address, 0x5b, place, sizeof place) &&
                  imu->bus.write(imu->bus.context, imu->address, 0x5e, file + at, FILE_PIECE);
    }
    if (!is_sent || !write_reg(imu, go) || !read_regs(imu, 0x21, &status, 1) || (status & 15u) != 1) {
        return false;
    }
    if (!read_regs(imu, 0x3c, &cross_axis, 1)) {
        return false;
    }
    /* Seven bits with a sign. */
    imu->cross_axis = (int8_t)((cross_axis & 0x3f) - (cross_axis & 0x40));
    return true;
}

tinsmith_imu_state tinsmith_imu_open(tinsmith_imu *imu, const tinsmith_bus *bus, const uint8_t *bmi270_file) {
    size_t i;
    imu->bus = *bus;
    imu->cross_axis = 0;
    if (!find(imu)) {
        return TINSMITH_IMU_ABSENT;
    }
    imu->name = imu->chip->name;
    imu->rate_mhz = imu->chip->rate_mhz;
    imu->acceleration_step = STANDARD_GRAVITY / imu->chip->steps_a_g;
    imu->rotation_step = 1.0f / imu->chip->steps_a_degree;
    if (imu->chip->needs_file) {
        if (bmi270_file == NULL) {
            return TINSMITH_IMU_NEEDS_FILE;
        }
        if (!send_file(imu, bmi270_file)) {
            return TINSMITH_IMU_FAILED;
        }
    }
    for (i = 0; i < MAX_SETTINGS && imu->chip->settings[i].reg != 0; i++) {
        if (!write_reg(imu, imu->chip->settings[i])) {
            return TINSMITH_IMU_FAILED;
        }
    }
    return TINSMITH_IMU_READY;
}

static int16_t value(const tinsmith_imu_chip *chip, const uint8_t *bytes) {
    return (int16_t)(chip->is_big_endian ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0]);
}

static int16_t clamped(int32_t x) {
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

int tinsmith_imu_read(tinsmith_imu *imu, int16_t out[TINSMITH_IMU_CHANNELS]) {
    const tinsmith_imu_chip *chip = imu->chip;
    uint8_t status, bytes[16];
    int axis;
    if (!read_regs(imu, chip->status_reg, &status, 1)) {
        return -1;
    }
    if ((status & chip->status_ready) != chip->status_ready) {
        return 0;
    }
    if (!read_regs(imu, chip->data_reg, bytes, chip->data_len)) {
        return -1;
    }
    for (axis = 0; axis < 3; axis++) {
        out[axis] = value(chip, bytes + chip->acceleration_at + 2 * axis);
        out[3 + axis] = value(chip, bytes + chip->rotation_at + 2 * axis);
    }
    /* A BMI270's rotation about z leaks into x; by how much was measured when it was made. */
    out[3] = clamped(out[3] - (int32_t)imu->cross_axis * out[5] / 512);
    return 1;
}
