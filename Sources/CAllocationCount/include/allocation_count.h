/* Counts the allocations of the whole process: Swift's, libpq's, everybody's. */
#ifndef LEAT_ALLOCATION_COUNT_H
#define LEAT_ALLOCATION_COUNT_H

#include <stdint.h>

/* Blocks allocated since the process began, a reallocation counting as one;
 * -1 where they cannot be counted (other C libraries than glibc). */
int64_t leat_allocation_count(void);

#endif
