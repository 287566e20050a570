/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c: any bytes are read or refused; what is read lies inside the bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plugcl_weights *weights = NULL;
    plugcl_status status = plugcl_weights_from_memory(data, size, &weights);
    if ((status == PLUGCL_OK) != (weights != NULL))
        abort();
    if (status != PLUGCL_OK && (plugcl_error_message()[0] == '\0' || strchr(plugcl_error_message(), '\n')))
        abort();
    for (size_t i = 0; i < plugcl_weights_count(weights); i++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_at(weights, i);
        if (plugcl_weights_find(weights, entry->name) != entry)
            abort();
        size_t count = entry->bytes / plugcl_dtype_size(entry->dtype);
        float *floats = malloc(count * sizeof *floats + 1);
        if (floats)
            elements_to_float(entry->dtype, entry->data, count, floats); /* reads every byte */
        free(floats);
    }
    plugcl_weights_destroy(&weights);
    return 0;
}
