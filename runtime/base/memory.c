/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: allocation with overflow checks and, for the tests, failures on demand; arrays; reference counts. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <malloc.h>
#endif

/* The allocations that may still succeed plus one; 0 for no limit. Touched by the tests only. The library's other mutable globals
 * are counters for unique names and CLBlast's lock: nothing that one user of the process could see of another. */
static atomic_long allocations_left;

void memory_fail_after(long n)
{
    atomic_store(&allocations_left, n);
}

static bool must_fail(void)
{
    long left = atomic_load_explicit(&allocations_left, memory_order_relaxed);
    while (left > 1 && !atomic_compare_exchange_weak(&allocations_left, &left, left - 1))
        ;
    return left == 1;
}

bool size_multiply(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *product = a * b;
    return true;
}

bool size_add(size_t a, size_t b, size_t *sum)
{
    if (a > SIZE_MAX - b)
        return false;
    *sum = a + b;
    return true;
}

/* Windows frees aligned memory with a function of its own, so there all memory comes from that family. */
#if defined(_WIN32)
static void *raw_zeroed(size_t bytes)
{
    void *memory = _aligned_malloc(bytes, 16);
    return memory ? memset(memory, 0, bytes) : NULL;
}
static void *raw_aligned(size_t bytes)
{
    return _aligned_malloc(bytes, 64);
}
static void *raw_resize(void *memory, size_t bytes)
{
    return _aligned_realloc(memory, bytes, 16);
}
void memory_free(void *memory)
{
    _aligned_free(memory);
}
#else
static void *raw_zeroed(size_t bytes)
{
    return calloc(1, bytes);
}
static void *raw_aligned(size_t bytes)
{
    void *memory = NULL;
    return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}
static void *raw_resize(void *memory, size_t bytes)
{
    return realloc(memory, bytes);
}
void memory_free(void *memory)
{
    free(memory);
}
#endif

void *memory_zeroed(size_t count, size_t size)
{
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || must_fail())
        return NULL;
    return raw_zeroed(bytes ? bytes : 1);
}

void *memory_aligned(size_t bytes)
{
    return must_fail() ? NULL : raw_aligned(bytes ? bytes : 1);
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || must_fail())
        return NULL;
    return raw_resize(memory, bytes ? bytes : 1);
}

void *array_push(void *items_pointer, size_t *count, size_t *capacity, size_t item_size)
{
    /* The caller's pointer has a type of its own; copying its bytes is the way to read it that breaks no aliasing rule. */
    unsigned char *items;
    memcpy(&items, items_pointer, sizeof items);
    if (*count == *capacity) {
        size_t larger;
        if (!size_multiply(*capacity ? *capacity : 4, 2, &larger))
            return NULL;
        items = memory_resize(items, larger, item_size);
        if (!items)
            return NULL;
        memcpy(items_pointer, &items, sizeof items);
        *capacity = larger;
    }
    return memset(items + (*count)++ * item_size, 0, item_size);
}

void reference_take(reference_count *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

bool reference_drop(reference_count *count)
{
    /* acquire as well as release: the last owner must see what the others wrote before it destroys the object */
    return atomic_fetch_sub_explicit(count, 1, memory_order_acq_rel) == 1;
}

uint64_t unique_number(void)
{
    static atomic_ullong given;
    return atomic_fetch_add(&given, 1) + 1;
}
