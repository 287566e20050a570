/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkcl.h: every operator × variant × shape against a plain C reference.
 *
 * A family's file (conv2d.c, pool.c …) fills cases and calls checkcl_run for each; the harness makes the inputs, runs every
 * variant that can run on the device, and compares. Rows are named "conv2d/cpu_taps/n1c64h56k3d6", so that one can be run alone.
 */
#ifndef PLUGCL_TESTS_CHECKCL_H
#define PLUGCL_TESTS_CHECKCL_H

#include <float.h>

#include "ops/operator.h"

struct checkcl;

enum checkcl_layout {
    CHECKCL_ROW_MAJOR = 0,
    CHECKCL_CHANNELS_LAST, /* rank 4, dense */
    CHECKCL_CHANNEL_VIEW,  /* rank 4, channels last, channels 3 … of a wider pixel (a concat's slice), at an odd offset */
    CHECKCL_ODD_VIEW,      /* any rank: row-major with gaps in every stride, at an odd offset */
    CHECKCL_ROW_VIEW       /* rank 4, row-major, the first rows of a picture with three more */
};

enum checkcl_fill {
    CHECKCL_RANDOM = 0, /* uniform in −1 … 1, seeded by the row's name */
    CHECKCL_POSITIVE,   /* 0.5 … 1.5, for variances and divisors */
    CHECKCL_LARGE,      /* −60 … 60, for softmax and exp */
    CHECKCL_SPECIAL,    /* random with NaN, ±inf, ±0, denormals and ±1e30 strewn in; integers with the largest and smallest */
    CHECKCL_INTEGER     /* whole numbers in −limit … limit */
};

struct checkcl_tensor {
    bool present;
    bool constant; /* a weight: given to the variant as a constant, not as device memory */
    plugcl_dtype dtype; /* F32, I32, I64 or BOOL; integers are whole numbers of −limit … limit whatever the fill */
    int limit;          /* 0 is 9 */
    plugcl_shape shape;
    enum checkcl_layout layout;
    enum checkcl_fill fill;
    const float *values; /* dense and row-major, in place of `fill`; NULL: by fill */
};

/* What a reference writes where any result is right: on the line between two pixels, say. */
#define CHECKCL_UNCHECKED (-DBL_MAX)
/* Where NaN and either infinity are right. */
#define CHECKCL_NOT_FINITE DBL_MAX

/* What a variant, or some of its tiles, may err by; the first that fits counts. */
struct checkcl_budget {
    const char *row; /* a pattern of VARIANT@TILE, of VARIANT where there are no tiles */
    double budget;
};

struct checkcl_case {
    const struct operator_info *info;
    const void *params;
    struct epilogue epilogue;
    struct checkcl_tensor inputs[OPERATOR_MAX_INPUTS];
    enum checkcl_layout output_layout; /* of outputs of rank 4; others are row-major */
    bool skip_output[OPERATOR_MAX_OUTPUTS]; /* not asked for */
    bool every_tile; /* runs every tile of each variant, in place of one */
    double budget; /* largest error allowed, relative to the largest finite |reference| (at least 1e-3 of 1 is taken); NaN and ±inf
                      must match exactly in kind */
    const struct checkcl_budget *budgets; /* smaller or larger ones; ends with a NULL row. NULL: none */
    const char *variants;                 /* a pattern of those to run, "!cpu_*" of those not to; NULL: all */
    /* Dense row-major doubles; absent operands are NULL. Output shapes follow from info->shape. */
    void (*reference)(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs);
};

/* Runs the case on all variants (or the one asked for); the name is the shape part of the row's name. */
void checkcl_run(struct checkcl *check, const struct checkcl_case *row, const char *name, ...) PRINTF_LIKE(3, 4);
/* Layouts and fills as the rows' names have them. */
extern const char *const checkcl_layouts[], *const checkcl_fills[];
/* True when --quick was given: slow devices get the small shapes only. Call it to leave big shapes out. */
bool checkcl_is_quick(const struct checkcl *check);

/* One function a family, listed in main.c. */
void checkcl_conv2d(struct checkcl *check);
void checkcl_conv_transpose2d(struct checkcl *check);
void checkcl_deform_conv2d(struct checkcl *check);
void checkcl_linear(struct checkcl *check);
void checkcl_matmul(struct checkcl *check);
void checkcl_attention(struct checkcl *check);
void checkcl_pool(struct checkcl *check);
void checkcl_batch_norm(struct checkcl *check);
void checkcl_norm(struct checkcl *check);
void checkcl_elementwise(struct checkcl *check);
void checkcl_softmax(struct checkcl *check);
void checkcl_pyramid(struct checkcl *check);
void checkcl_reduce(struct checkcl *check);
void checkcl_resize(struct checkcl *check);
void checkcl_copy(struct checkcl *check);
void checkcl_channel_gate(struct checkcl *check);
void checkcl_spatial_gate(struct checkcl *check);
void checkcl_sample(struct checkcl *check);
void checkcl_select(struct checkcl *check);
void checkcl_rearrange(struct checkcl *check);

#endif
