/* Motion sensors on I2C: found by their identity registers, set to 4 g and 500 degrees a second at about 200 Hz, read an instant at a
 * time as they measure.
 *
 * Which: MPU-6050 and its kin (InvenSense), LSM6DS3, LSM6DSL, LSM6DSO and their kin (ST), BMI160 and BMI270 (Bosch). Register
 * addresses and values are those of the data sheets named in tinsmith_imu.c. The bus is a few functions, so that this runs, and is
 * tested, anywhere. C99 and C++11. */
#ifndef TINSMITH_IMU_H
#define TINSMITH_IMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TINSMITH_IMU_CHANNELS = 6,
    /* Bytes of the file that a BMI270 has to be given each time it is switched on. */
    TINSMITH_BMI270_FILE_BYTES = 8192
};

/* An I2C bus. Whether the device answered. */
typedef struct {
    void *context;
    bool (*read)(void *context, uint8_t address, uint8_t reg, uint8_t *bytes, size_t len);
    bool (*write)(void *context, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t len);
    void (*wait_ms)(void *context, uint32_t ms);
} tinsmith_bus;

typedef enum {
    TINSMITH_IMU_READY,
    TINSMITH_IMU_ABSENT,    /* nothing on the bus that is known */
    TINSMITH_IMU_FAILED,    /* it stopped answering, or did not take its settings */
    TINSMITH_IMU_NEEDS_FILE /* a BMI270, whose configuration file is not in the firmware */
} tinsmith_imu_state;

typedef struct tinsmith_imu_chip tinsmith_imu_chip;

typedef struct {
    tinsmith_bus bus;
    const tinsmith_imu_chip *chip;
    uint8_t address;
    int8_t cross_axis; /* of a BMI270's gyroscope */
    /* What it is and measures, once it is ready. */
    const char *name;
    uint32_t rate_mhz;
    float acceleration_step; /* m/s2 */
    float rotation_step;     /* degrees a second */
} tinsmith_imu;

/* Looks for a sensor and sets it up. Bosch's configuration file for the BMI270 may be NULL. */
tinsmith_imu_state tinsmith_imu_open(tinsmith_imu *imu, const tinsmith_bus *bus, const uint8_t *bmi270_file);

/* Reads acceleration and rotation (x, y, z each) if there is a new instant: 1; 0 if not yet; -1 if it does not answer. */
int tinsmith_imu_read(tinsmith_imu *imu, int16_t out[TINSMITH_IMU_CHANNELS]);

#ifdef __cplusplus
}
#endif

#endif
