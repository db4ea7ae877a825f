/* CRC-32C (Castagnoli), by the processor's instruction where it has one. */
#ifndef LEAT_CRC32C_H
#define LEAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, the result for the bytes before these; 0 at the beginning. */
uint32_t leat_crc32c(uint32_t crc, const void *bytes, size_t count);

/* The same without the instruction: for machines without it, and to compare in tests. */
uint32_t leat_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
