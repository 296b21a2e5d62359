/* common: what the three benchmark programs share: clocks, limits, numbers from the command
 * line, sockets. Owns nothing; every function may be called from any thread. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Prints "PROGRAM: MESSAGE" (printf style) to stderr and exits with status 2. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `count` zeroed things of `size` bytes each, to be freed with free(); dies when there is no
 * memory. */
void *bench_allocate(size_t count, size_t size) __attribute__((returns_nonnull));

/* Monotonic time in nanoseconds. */
uint64_t bench_now_ns(void);

/* CPU time that process `pid` has used so far, all threads, user and system, in nanoseconds;
 * 0 when there is no such process. The kernel keeps this to the nanosecond, where
 * /proc/PID/stat shows hundredths of a second. */
uint64_t bench_cpu_ns(pid_t pid);

/* Raises the soft limit of open descriptors to the hard one. */
void bench_raise_descriptor_limit(void);

/* The whole number `text` given for `option`; dies when it isn't one or isn't in low..high. */
uint64_t bench_parse_number(const char *option, const char *text, uint64_t low, uint64_t high);

/* The seconds `text` given for `option`; dies when it isn't a number in 0..3600. */
double bench_parse_seconds(const char *option, const char *text);

/* Loopback address with `port`. */
struct sockaddr_in bench_loopback(uint16_t port);

/* A non-blocking listening socket on loopback; dies when the port can't be had. */
int bench_listen(uint16_t port);

/* Accepts one connection, non-blocking and without Nagle delay; -1 when there is none (or no
 * descriptor left). */
int bench_accept(int listener);

/* Starts connecting to `address`, non-blocking and without Nagle delay. Returns the socket, or
 * -1 with errno set. The socket becomes writable when the connection stands. */
int bench_connect(const struct sockaddr_in *address);

#endif
