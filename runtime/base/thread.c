/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c: mutexes, condition variables and the clock. None of these calls can fail when used as thread.h says. */
#include "base/thread.h"

#if defined(_WIN32)

void mutex_create(mutex *m)
{
    InitializeSRWLock(m);
}

void mutex_destroy(mutex *m)
{
    (void)m;
}

void mutex_lock(mutex *m)
{
    AcquireSRWLockExclusive(m);
}

void mutex_unlock(mutex *m)
{
    ReleaseSRWLockExclusive(m);
}

void condition_create(condition *c)
{
    InitializeConditionVariable(c);
}

void condition_destroy(condition *c)
{
    (void)c;
}

bool condition_wait(condition *c, mutex *m, uint64_t timeout_ns)
{
    /* Rounded up, so that a short wait is not a busy loop; a wait of over 49 days wakes once, as a spurious wake-up may. */
    uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    DWORD wait = timeout_ns == UINT64_MAX ? INFINITE : ms >= INFINITE ? INFINITE - 1 : (DWORD)ms;
    return SleepConditionVariableSRW(c, m, wait, 0) || wait == INFINITE - 1;
}

void condition_broadcast(condition *c)
{
    WakeAllConditionVariable(c);
}

void thread_yield(void)
{
    SwitchToThread();
}

uint64_t clock_ns(void)
{
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&frequency);
    uint64_t t = (uint64_t)ticks.QuadPart, f = (uint64_t)frequency.QuadPart;
    return t / f * 1000000000 + t % f * 1000000000 / f;
}

#else

#include <errno.h>
#include <sched.h>
#include <time.h>

/* macOS cannot tie a condition variable to the monotonic clock; there a change of the wall clock moves a time-out. */
#if defined(__APPLE__)
#define WAIT_CLOCK CLOCK_REALTIME
#else
#define WAIT_CLOCK CLOCK_MONOTONIC
#endif

void mutex_create(mutex *m)
{
    pthread_mutex_init(m, NULL);
}

void mutex_destroy(mutex *m)
{
    pthread_mutex_destroy(m);
}

void mutex_lock(mutex *m)
{
    pthread_mutex_lock(m);
}

void mutex_unlock(mutex *m)
{
    pthread_mutex_unlock(m);
}

void condition_create(condition *c)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
#if !defined(__APPLE__)
    pthread_condattr_setclock(&attributes, WAIT_CLOCK);
#endif
    pthread_cond_init(c, &attributes);
    pthread_condattr_destroy(&attributes);
}

void condition_destroy(condition *c)
{
    pthread_cond_destroy(c);
}

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool condition_wait(condition *c, mutex *m, uint64_t timeout_ns)
{
    /* Nine years are for ever; counting them would overflow where time_t has 32 bits. */
    if (timeout_ns > INT64_MAX / 32)
        return pthread_cond_wait(c, m) == 0;
    uint64_t end = read_clock(WAIT_CLOCK) + timeout_ns;
    struct timespec until = { .tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000) };
    return pthread_cond_timedwait(c, m, &until) != ETIMEDOUT;
}

void condition_broadcast(condition *c)
{
    pthread_cond_broadcast(c);
}

void thread_yield(void)
{
    sched_yield();
}

uint64_t clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

#endif
