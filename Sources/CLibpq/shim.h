/* libpq, and the calls that its waiting needs and Swift's Glibc module lacks. */
#ifndef LEAT_CLIBPQ_SHIM_H
#define LEAT_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

/* Bytes that the kernel holds for the reader of a socket; 0 if it cannot tell. */
static inline int leat_socket_waiting(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

static inline int leat_socket_is_local(int descriptor) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return getsockname(descriptor, (struct sockaddr *)&address, &size) == 0 &&
           address.ss_family == AF_UNIX;
}

#endif
