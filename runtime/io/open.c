/* SPDX-License-Identifier: Apache-2.0 */
/* open.c: weights from a file, by what its name ends in. */
#include <string.h>

#include "base/memory.h"
#include "base/weights.h"
#include "io/npy.h"
#include "io/safetensors.h"

/* Equal but for the case of the letters A to Z, whatever the locale. */
static bool same_word(const char *a, const char *b)
{
    for (;; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (x != *b)
            return false;
        if (x == '\0')
            return true;
    }
}

plugcl_status plugcl_weights_from_memory(const void *data, size_t bytes, plugcl_weights **weights)
{
    if (!weights || (!data && bytes > 0))
        return fail(PLUGCL_INVALID, "plugcl_weights_from_memory needs data and a place for the handle, not NULL");
    plugcl_status status = plugcl_weights_create(weights);
    if (status != PLUGCL_OK)
        return status;
    status = safetensors_read(data, bytes, *weights);
    if (status != PLUGCL_OK)
        plugcl_weights_destroy(weights);
    return status;
}

/* The map goes over to the weights: their tensors lie in it. */
static plugcl_status open_safetensors(const char *path, plugcl_weights *weights)
{
    struct file_map map;
    plugcl_status status = file_map_open(path, &map);
    if (status != PLUGCL_OK)
        return status;
    weights_keep_map(weights, map);
    status = safetensors_read(map.data, map.bytes, weights);
    return status == PLUGCL_OK ? status : fail_in(status, "%s: ", path);
}

static plugcl_status open_npy(const char *path, plugcl_weights *weights)
{
    struct file_map map;
    plugcl_shape shape;
    float *data = NULL;
    plugcl_status status = file_map_open(path, &map);
    if (status != PLUGCL_OK)
        return status;
    status = npy_read(map.data, map.bytes, &shape, &data);
    file_map_close(&map);
    char *stem = status == PLUGCL_OK ? string_copy(path_name(path)) : NULL;
    if (stem) {
        stem[strlen(stem) - strlen(".npy")] = '\0';
        status = weights_give(weights, stem, PLUGCL_F32, &shape, data, (size_t)plugcl_shape_elements(&shape) * sizeof *data);
    } else if (status == PLUGCL_OK) {
        status = fail_no_memory(strlen(path));
    }
    if (status != PLUGCL_OK) {
        memory_free(data);
        status = fail_in(status, "%s: ", path);
    }
    memory_free(stem);
    return status;
}

static plugcl_status fail_extension(const char *path, const char *extension)
{
    static const struct {
        const char *extension, *what;
    } known[] = {
        { "npz", "NumPy archives (.npz) are not read yet" },
        { "pth", "PyTorch checkpoints (.pth) are not read yet; safetensors.torch.save_file() writes what is" },
        { "pt", "PyTorch checkpoints (.pt) are not read yet; safetensors.torch.save_file() writes what is" },
        { "bin", "PyTorch checkpoints (.bin) are not read yet; safetensors.torch.save_file() writes what is" },
        { "ckpt", "PyTorch checkpoints (.ckpt) are not read yet; safetensors.torch.save_file() writes what is" },
        { "onnx", "an ONNX model (.onnx) is a network, not weights; .safetensors and .npy are read" },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (same_word(extension, known[i].extension))
            return fail(PLUGCL_UNSUPPORTED, "%s: %s", path, known[i].what);
    }
    return fail(PLUGCL_UNSUPPORTED, "%s: weights are read from .safetensors and .npy files, and this name ends in neither", path);
}

plugcl_status plugcl_weights_open(const char *path, plugcl_weights **weights)
{
    if (!path || !weights)
        return fail(PLUGCL_INVALID, "plugcl_weights_open needs a path and a place for the handle, not NULL");
    *weights = NULL;
    const char *extension = path_extension(path);
    bool npy = same_word(extension, "npy");
    if (!npy && !same_word(extension, "safetensors"))
        return fail_extension(path, extension);
    plugcl_status status = plugcl_weights_create(weights);
    if (status != PLUGCL_OK)
        return status;
    status = npy ? open_npy(path, *weights) : open_safetensors(path, *weights);
    if (status != PLUGCL_OK)
        plugcl_weights_destroy(weights);
    return status;
}
