/* libpq, and the one Linux call that its waiting needs and Swift's Glibc module lacks. */
#ifndef LEAT_CLIBPQ_SHIM_H
#define LEAT_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A descriptor that poll() reports readable from leat_event_raise until leat_event_clear. */
static inline int leat_event_create(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* Safe from any thread and from a signal handler. */
static inline void leat_event_raise(int descriptor) {
    eventfd_write(descriptor, 1);
}

static inline void leat_event_clear(int descriptor) {
    eventfd_t ignored;
    eventfd_read(descriptor, &ignored);
}

#endif
