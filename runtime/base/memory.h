/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h: host allocation that checks for overflow and can be made to fail, growing arrays, strings, reference counts. */
#ifndef PLUGCL_BASE_MEMORY_H
#define PLUGCL_BASE_MEMORY_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Zeroed memory for count × size bytes, NULL when there is none (count × size is checked for overflow; 0 gives a valid
 * pointer). Freed with memory_free. */
void *memory_zeroed(size_t count, size_t size);
/* Memory aligned to 64 bytes, uninitialised; freed with memory_free. */
void *memory_aligned(size_t bytes);
void *memory_resize(void *memory, size_t count, size_t size);
void memory_free(void *memory);
char *string_copy(const char *text);
bool ends_with(const char *text, const char *end);
/* printf into new memory; NULL when out of memory. */
char *string_format(const char *format, ...) PRINTF_LIKE(1, 2);

/* Whether `length` bytes of `text` are a number, with a point before its decimals whatever the host application's locale says;
 * *value is that number. */
bool number_read(const char *text, size_t length, double *value);

/* Makes the n-th allocation from now fail (1 is the next one), and every one after it; 0 turns it off. For the tests. */
void memory_fail_after(long n);

/* a × b and a + b, false on overflow. */
bool size_multiply(size_t a, size_t b, size_t *product);
bool size_add(size_t a, size_t b, size_t *sum);

/* A growing text, for build options, JSON and reports. Errors stick: `failed` is set when memory ran out. */
struct text {
    char *data; /* zero-terminated once anything was added; NULL before */
    size_t length, capacity;
    bool failed;
};
void text_add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
void text_free(struct text *text);

/* A growing array: array_push(&a->items, &a->count, &a->capacity, sizeof item) returns the zeroed new last element or NULL. */
void *array_push(void *items_pointer, size_t *count, size_t *capacity, size_t item_size);

/* Reference counts start at 1. reference_drop is true for the last one. */
typedef atomic_int reference_count;
void reference_take(reference_count *count);
bool reference_drop(reference_count *count);

/* A number that the process is given once: it names a thing even when that has gone, where an address may name the next. Safe. */
uint64_t unique_number(void);

#endif
