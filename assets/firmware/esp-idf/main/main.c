/* Tinsmith's board firmware for ESP-IDF: its serial port and its I2C bus. The rest is in tinsmith_esp.c. */
#include <string.h>

#include "driver/i2c_master.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "tinsmith_config.h"
#include "tinsmith_esp.h"

#if CONFIG_TINSMITH_SERIAL_USB
#include "driver/usb_serial_jtag.h"

/* No more than the hardware takes at once: of more, the driver may send a part and say that it sent nothing. */
#define PIECE 64u

static bool serial_begin(void) {
    usb_serial_jtag_driver_config_t config = {.tx_buffer_size = 8192, .rx_buffer_size = 4096};
    return usb_serial_jtag_driver_install(&config) == ESP_OK;
}

static size_t serial_read(void *context, uint8_t *bytes, size_t room) {
    int n = usb_serial_jtag_read_bytes(bytes, (uint32_t)room, 0);
    (void)context;
    return n < 0 ? 0 : (size_t)n;
}

static size_t serial_write(void *context, const uint8_t *bytes, size_t len) {
    int n = usb_serial_jtag_write_bytes(bytes, len < PIECE ? len : PIECE, 0);
    (void)context;
    return n < 0 ? 0 : (size_t)n;
}

#else
#include "driver/uart.h"

/* The driver waits where its buffer is full, so it is asked before; it needs some of the room for itself. */
#define PIECE 128u
#define RESERVE 512u

static bool serial_begin(void) {
    uart_config_t config = {
        .baud_rate = TINSMITH_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    return uart_driver_install(UART_NUM_0, 4096, 8192, 0, NULL, 0) == ESP_OK && uart_param_config(UART_NUM_0, &config) == ESP_OK;
}

static size_t serial_read(void *context, uint8_t *bytes, size_t room) {
    int n = uart_read_bytes(UART_NUM_0, bytes, (uint32_t)room, 0);
    (void)context;
    return n < 0 ? 0 : (size_t)n;
}

static size_t serial_write(void *context, const uint8_t *bytes, size_t len) {
    size_t room = 0;
    int n;
    (void)context;
    if (uart_get_tx_buffer_free_size(UART_NUM_0, &room) != ESP_OK || room < RESERVE) {
        return 0;
    }
    n = uart_write_bytes(UART_NUM_0, bytes, len < PIECE ? len : PIECE);
    return n < 0 ? 0 : (size_t)n;
}
#endif

#define TIMEOUT_MS 20
/* Longest write: a piece of a BMI270's file. */
#define LONGEST 32u
/* Addresses that motion sensors have: from this one, so many. */
#define FIRST_ADDRESS 0x68
#define ADDRESSES 4

static i2c_master_bus_handle_t bus_handle;
static i2c_master_dev_handle_t devices[ADDRESSES];

/* The device at an address, known to the driver from its first use. */
static i2c_master_dev_handle_t device_at(uint8_t address) {
    unsigned index = (unsigned)(address - FIRST_ADDRESS);
    i2c_device_config_t config = {
        .dev_addr_length = I2C_ADDR_BIT_LEN_7,
        .device_address = address,
        .scl_speed_hz = TINSMITH_I2C_HZ,
    };
    if (index >= ADDRESSES) {
        return NULL;
    }
    if (devices[index] == NULL && i2c_master_bus_add_device(bus_handle, &config, &devices[index]) != ESP_OK) {
        devices[index] = NULL;
    }
    return devices[index];
}

static bool bus_read(void *context, uint8_t address, uint8_t reg, uint8_t *bytes, size_t len) {
    i2c_master_dev_handle_t device = device_at(address);
    (void)context;
    return device != NULL && i2c_master_transmit_receive(device, &reg, 1, bytes, len, TIMEOUT_MS) == ESP_OK;
}

static bool bus_write(void *context, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t len) {
    i2c_master_dev_handle_t device = device_at(address);
    uint8_t message[1 + LONGEST];
    (void)context;
    if (device == NULL || len > LONGEST) {
        return false;
    }
    message[0] = reg;
    memcpy(message + 1, bytes, len);
    return i2c_master_transmit(device, message, 1 + len, TIMEOUT_MS) == ESP_OK;
}

static void bus_wait_ms(void *context, uint32_t ms) {
    (void)context;
    /* One more: the tick that has begun counts for less. */
    vTaskDelay(pdMS_TO_TICKS(ms) + 1);
}

static bool bus_begin(void) {
    i2c_master_bus_config_t config = {
        .i2c_port = -1,
        .sda_io_num = (gpio_num_t)TINSMITH_I2C_SDA,
        .scl_io_num = (gpio_num_t)TINSMITH_I2C_SCL,
        .clk_source = I2C_CLK_SRC_DEFAULT,
        .glitch_ignore_cnt = 7,
        .flags = {.enable_internal_pullup = true},
    };
    return TINSMITH_I2C_SDA >= 0 && i2c_new_master_bus(&config, &bus_handle) == ESP_OK;
}

void app_main(void) {
    static const tinsmith_serial serial = {serial_read, serial_write};
    static const tinsmith_bus bus = {NULL, bus_read, bus_write, bus_wait_ms};
    if (!serial_begin()) {
        return;
    }
    tinsmith_esp_begin(&serial, bus_begin() ? &bus : NULL);
    for (;;) {
        tinsmith_esp_loop();
    }
}
