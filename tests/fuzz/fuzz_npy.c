/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c: any bytes are read or refused. */
#include <stdlib.h>
#include <string.h>

#include <plugcl/status.h>

#include "base/memory.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plugcl_shape shape;
    float *floats = NULL;
    plugcl_status status = npy_read(data, size, &shape, &floats);
    if ((status == PLUGCL_OK) != (floats != NULL))
        abort();
    if (status != PLUGCL_OK && (plugcl_error_message()[0] == '\0' || strchr(plugcl_error_message(), '\n')))
        abort();
    if (status == PLUGCL_OK && plugcl_shape_elements(&shape) < 0)
        abort();
    memory_free(floats);
    return 0;
}
