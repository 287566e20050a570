/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.c: for LD_PRELOAD with glibc. At the end it writes to stderr how many KiB of the heap the main program held at the most,
 * apart from what its libraries did, the OpenCL driver among them: a block belongs to whoever called malloc. The contender has
 * plugcl in itself; its own tensors, in whole pages, do not count.
 */
#define _GNU_SOURCE
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

/* The program's blocks, by address; far more places than blocks. */
#define PLACES (1u << 18)
#define GONE ((void *)1)
static void *blocks[PLACES];
static size_t held, peak;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t code_begin, code_end;

/* The main program is the first. */
static int find_code(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            code_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code_end = code_begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

static void **place_of(const void *block, bool is_new)
{
    uint32_t place = (uint32_t)((uintptr_t)block >> 4) * 2654435761u % PLACES;
    while (blocks[place] != NULL && blocks[place] != block && !(is_new && blocks[place] == GONE))
        place = (place + 1) % PLACES;
    return &blocks[place];
}

static void *keep(void *block, const void *caller)
{
    if (code_begin == 0)
        dl_iterate_phdr(find_code, NULL);
    if (block == NULL || (uintptr_t)caller < code_begin || (uintptr_t)caller >= code_end)
        return block;
    pthread_mutex_lock(&lock);
    *place_of(block, true) = block;
    held += malloc_usable_size(block);
    peak = held > peak ? held : peak;
    pthread_mutex_unlock(&lock);
    return block;
}

static void forget(void *block)
{
    pthread_mutex_lock(&lock);
    void **place = block != NULL ? place_of(block, false) : NULL;
    if (place != NULL && *place == block) {
        *place = GONE;
        held -= malloc_usable_size(block);
    }
    pthread_mutex_unlock(&lock);
}

__attribute__((destructor)) static void tell_peak(void)
{
    fprintf(stderr, "%zu\n", peak / 1024);
}

void *malloc(size_t bytes)
{
    return keep(__libc_malloc(bytes), __builtin_return_address(0));
}

void *calloc(size_t count, size_t bytes)
{
    return keep(__libc_calloc(count, bytes), __builtin_return_address(0));
}

void *realloc(void *block, size_t bytes)
{
    forget(block);
    return keep(__libc_realloc(block, bytes), __builtin_return_address(0));
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    void *block = __libc_memalign(alignment, bytes);
    return alignment < 4096 ? keep(block, __builtin_return_address(0)) : block;
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    *block = keep(__libc_memalign(alignment, bytes), __builtin_return_address(0));
    return *block != NULL ? 0 : 12;
}

void free(void *block)
{
    forget(block);
    __libc_free(block);
}
