/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h: mutexes, condition variables and the clock, over POSIX or Windows. */
#ifndef PLUGCL_BASE_THREAD_H
#define PLUGCL_BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
typedef SRWLOCK mutex;
#define MUTEX_INITIALIZER SRWLOCK_INIT
typedef CONDITION_VARIABLE condition;
#else
#include <pthread.h>
typedef pthread_mutex_t mutex;
#define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
typedef pthread_cond_t condition;
#endif

void mutex_create(mutex *m);
void mutex_destroy(mutex *m);
void mutex_lock(mutex *m);
void mutex_unlock(mutex *m);

void condition_create(condition *c);
void condition_destroy(condition *c);
/* Waits until signalled or `timeout_ns` has passed (UINT64_MAX: for ever); false after a time-out. Spurious wake-ups happen. */
bool condition_wait(condition *c, mutex *m, uint64_t timeout_ns);
void condition_broadcast(condition *c);

/* Gives the core to another thread that is ready to run, if there is one. */
void thread_yield(void);

/* Nanoseconds of a clock that never goes back. */
uint64_t clock_ns(void);

#endif
