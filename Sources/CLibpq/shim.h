/* libpq, and the calls that its waiting needs and Swift's Glibc module lacks. */
#ifndef LEAT_CLIBPQ_SHIM_H
#define LEAT_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
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

/* Allocations of 256 KiB and more go back to the system when they are freed, whatever has been freed
 * before: by default that size grows with what is freed. */
static inline void leat_return_large_allocations(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 18);
}

/* Whether both ends of a TCP connection have the same address. */
static inline int leat_socket_is_within_host(int descriptor) {
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t ownSize = sizeof own, peerSize = sizeof peer;
    if (getsockname(descriptor, (struct sockaddr *)&own, &ownSize) != 0 ||
        getpeername(descriptor, (struct sockaddr *)&peer, &peerSize) != 0 ||
        own.ss_family != peer.ss_family)
        return 0;
    if (own.ss_family == AF_INET)
        return memcmp(&((struct sockaddr_in *)&own)->sin_addr,
                      &((struct sockaddr_in *)&peer)->sin_addr, sizeof(struct in_addr)) == 0;
    return own.ss_family == AF_INET6 &&
           memcmp(&((struct sockaddr_in6 *)&own)->sin6_addr,
                  &((struct sockaddr_in6 *)&peer)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* Linux keeps twice as much, half of it for the bytes themselves. */
static inline void leat_socket_limit_receive_buffer(int descriptor, int bytes) {
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* Of the kernel's interface; glibc shows it to _GNU_SOURCE only. */
#ifndef SCHED_BATCH
#define SCHED_BATCH 3
#endif

/* Names the calling thread, leaves the process's signals to others, and, if it is to come after
 * others, takes away its right to stop the thread that is running when it is woken. */
static inline void leat_thread_begin(const char *name, int comesAfterOthers) {
    char shortened[16] = {0};
    strncpy(shortened, name, sizeof shortened - 1);
    pthread_setname_np(pthread_self(), shortened);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct sched_param none = {0};
    if (comesAfterOthers)
        sched_setscheduler(0, SCHED_BATCH, &none);
}

#endif
