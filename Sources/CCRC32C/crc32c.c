#include "crc32c.h"

#include <string.h>

/* For four bits at a time, of the reflected polynomial 0x82F63B78. */
static const uint32_t table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t leat_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count > 0; count--) {
        crc ^= *next++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t wide = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count > 0; count--) narrow = _mm_crc32_u8(narrow, *next++);
    return ~narrow;
}

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; count--) crc = __crc32cb(crc, *next++);
    return ~crc;
}

static int has_instruction(void) { return 1; }

#else

static uint32_t by_instruction(uint32_t crc, const void *bytes, size_t count) {
    return leat_crc32c_portable(crc, bytes, count);
}

static int has_instruction(void) { return 0; }

#endif

uint32_t leat_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return has_instruction() ? by_instruction(crc, bytes, count)
                             : leat_crc32c_portable(crc, bytes, count);
}
