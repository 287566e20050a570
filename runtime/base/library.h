/* SPDX-License-Identifier: Apache-2.0 */
/* library.h: shared objects that are loaded at run time. */
#ifndef PLUGCL_BASE_LIBRARY_H
#define PLUGCL_BASE_LIBRARY_H

#include <stdbool.h>

#include "base/error.h"

/* A library of the system's, by name; it stays mapped after library_close. NULL when there is none. */
void *library_open_system(const char *name);
/* A file, with everything that it needs found at once. Errors: IO (cannot be read), FORMAT (cannot be loaded, and why),
 * NO_MEMORY. */
plugcl_status library_open_file(const char *path, void **library);
void library_close(void *library);
/* Copies the symbol's address to *address, of a pointer to a function or to data; false when there is none. */
bool library_symbol(void *library, const char *name, void *address);

#endif
