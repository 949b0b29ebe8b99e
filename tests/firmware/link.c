/* Speaks for the C link in the tests: what it is asked on the command line, over stdin and stdout.
 *
 * decode SIZE   bytes in; out: a line for each frame or bad frame, the command it holds, and the counts
 * encode        records in: kind u8, sequence u16, length u16, payload; out: frames
 * reports       out: a frame of every report with fixed contents */
#include "tinsmith_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t buffer[TINSMITH_MAX_FRAME], encoded[TINSMITH_MAX_ENCODED], payload[TINSMITH_MAX_PAYLOAD];

static void print_command(const tinsmith_decoder *d) {
    tinsmith_command c;
    size_t i;
    if (!tinsmith_read_command(d, &c)) {
        printf(" -");
        return;
    }
    printf(" %u %u %d %d %lu %lu %lu %lu %lu %llu ", c.kind, c.sensor, c.on, c.reset, (unsigned long)c.rate_mhz,
           (unsigned long)c.stride, (unsigned long)c.request, (unsigned long)c.total, (unsigned long)c.offset,
           (unsigned long long)c.hash);
    for (i = 0; i < c.len; i++) {
        printf("%02x", c.bytes[i]);
    }
}

static int decode(size_t size) {
    tinsmith_decoder d;
    int byte;
    size_t i;
    tinsmith_decoder_init(&d, buffer, size);
    while ((byte = getchar()) != EOF) {
        switch (tinsmith_decoder_push(&d, (uint8_t)byte)) {
        case TINSMITH_MORE:
            break;
        case TINSMITH_BAD:
            printf("bad\n");
            break;
        case TINSMITH_FRAME:
            printf("%u %u ", d.kind, d.sequence);
            for (i = 0; i < d.payload_len; i++) {
                printf("%02x", d.payload[i]);
            }
            print_command(&d);
            printf("\n");
            break;
        }
    }
    printf("%lu %lu %lu\n", (unsigned long)d.bad_crc, (unsigned long)d.bad_too_long, (unsigned long)d.bad_malformed);
    return 0;
}

static void send(uint8_t kind, uint16_t sequence, const uint8_t *bytes, size_t len) {
    size_t n = tinsmith_encode_frame(kind, sequence, bytes, len, encoded, sizeof encoded);
    fwrite(encoded, 1, n, stdout);
}

static int encode(void) {
    uint8_t head[5];
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        size_t len = (size_t)(head[3] | head[4] << 8);
        if (len > sizeof payload || fread(payload, 1, len, stdin) != len) {
            return 1;
        }
        send(head[0], (uint16_t)(head[1] | head[2] << 8), payload, len);
    }
    return 0;
}

static int reports(void) {
    static const uint8_t bytes[] = {0, 1, 0, 255};
    static const tinsmith_model model = {0x0807060504030201u, 490, 12, 20000, true, 1};
    static const tinsmith_stats stats = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    tinsmith_writer w;
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_hello(&w, 77, "ESP32", "1.2", 1);
    tinsmith_put_sensor(&w, 1, TINSMITH_IMU, 200000, TINSMITH_I16, 2);
    tinsmith_put_channel(&w, 0.5f, "ax", "m/s2");
    tinsmith_put_channel(&w, 1.0f, "ay", "");
    tinsmith_put_model(&w, &model);
    send(TINSMITH_HELLO, 0, payload, w.len);
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_samples(&w, 1, 0xffffffffffu, 3);
    tinsmith_put_bytes(&w, bytes, sizeof bytes);
    send(TINSMITH_SAMPLES, 1, payload, w.len);
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_result(&w, 4, TINSMITH_DONE, 900, 5, 12, 3);
    tinsmith_put_bytes(&w, bytes, sizeof bytes);
    send(TINSMITH_RESULT, 2, payload, w.len);
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_stats(&w, &stats);
    send(TINSMITH_STATS, 3, payload, w.len);
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_log(&w, TINSMITH_WARNING, "hot");
    send(TINSMITH_LOG, 4, payload, w.len);
    tinsmith_writer_init(&w, payload, sizeof payload);
    tinsmith_put_ack(&w, 65535, TINSMITH_WRONG_OFFSET, 4);
    send(TINSMITH_ACK, 5, payload, w.len);
    /* A text that is too long, and a buffer that is too short, are noted and write nothing beyond. */
    tinsmith_writer_init(&w, payload, 3);
    tinsmith_put_u32(&w, 1);
    return w.failed && w.len <= 3 ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "decode") == 0) {
        return decode((size_t)atoi(argv[2]));
    }
    if (argc == 2 && strcmp(argv[1], "encode") == 0) {
        return encode();
    }
    return argc == 2 && strcmp(argv[1], "reports") == 0 ? reports() : 2;
}
