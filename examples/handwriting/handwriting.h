/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handwriting.h: what the parts of the example share. Only main.c and measure.c know of devices, only network.c of the network.
 */
#ifndef HANDWRITING_H
#define HANDWRITING_H

#include <plugcl/plugcl.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    SIDE = 20, /* a digit is SIDE x SIDE pixels */
    PIXELS = SIDE * SIDE,
    COLUMNS = 40,
    ROWS = 25,
    DIGITS = COLUMNS * ROWS,
    CLASSES = 10,
    PER_CLASS = DIGITS / CLASSES,
    BATCH = 100 /* digits in one run */
};

/* What the plug-ins of the network say beside their results; the names are those of reference.safetensors too. */
enum { BLOCK1_SE, BLOCK2_CBAM, BLOCK2_SPATIAL, BLOCK3_SE, BLOCK3_CBAM, BLOCK3_SPATIAL, GATES };
struct gate_kind {
    const char *name;
    int channels, height, width;
};
extern const struct gate_kind gate_kinds[GATES];
size_t gate_elements(int gate);

/* What a network says about all digits, digit after digit. */
struct answers {
    float *logits; /* DIGITS x CLASSES */
    float *gates[GATES];
};
bool answers_create(struct answers *answers);
void answers_destroy(struct answers *answers);
/* The class with the highest score. */
int answer(const float *logits);

/* PyTorch's answers: logits of all digits, and gates of the digits `index`. */
struct reference {
    plugcl_weights *file;
    float *logits, *gates[GATES];
    long long index[64];
    size_t index_count;
    int right; /* digits that PyTorch read right */
};
bool reference_open(const char *path, struct reference *reference);
void reference_close(struct reference *reference);

/* Reads sheet.png: DIGITS x PIXELS floats, 0 (paper) to 1 (ink), to be freed. NULL (and a message) on failure. */
float *sheet_read(const char *path);
/* The true class of a digit of the sheet. */
int sheet_class(int digit);

/* The network of README.md with the weights of `path`; input "x", outputs "logits" and those of gate_kinds. */
bool network_build(const char *path, plugcl_graph **graph);

struct measurement {
    char device[96];
    int right;
    double logit_error, gate_error; /* largest, absolute */
    bool within;                    /* both are within the budget */
    double cold, warm;              /* seconds to the first BATCH digits, without and with compiled programs in the cache */
    double all;                     /* seconds for DIGITS digits, the best of a few rounds */
};
/* Reads all digits on one device. `cache` is an empty folder for compiled programs. */
bool measure(const char *device, const char *cache, plugcl_graph *graph, float *digits, const struct reference *reference,
             struct answers *answers, struct measurement *measurement);

/* Writes the pictures into `folder`; each appears whole or not at all. */
bool draw_sheet(const char *folder, const float *digits, const struct answers *answers, const char *device);
bool draw_mistakes(const char *folder, const float *digits, const struct answers *answers);
bool draw_spatial(const char *folder, const char *name, const float *digits, const struct answers *answers, int gate,
                  const struct reference *reference);
bool draw_channels(const char *folder, const char *name, const float *digits, const struct answers *answers, int gate);

/* Says on stderr what went wrong and returns false. */
bool complain(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;
/* False, with plugcl's own message, when `status` is an error. */
bool fine(plugcl_status status, const char *what);

#endif
