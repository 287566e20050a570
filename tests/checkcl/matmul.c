/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.c: matrix products: odd sizes, size 1, no depth, vectors, transposes, broadcast batches, views, NaN and infinities. */
#include <stdio.h>

#include "checkcl/checkcl.h"
#include "ref/matmul.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const struct matmul_params *params = row->params;
    ref_matmul(inputs[0], &row->inputs[0].shape, params->transpose_a, inputs[1], &row->inputs[1].shape, params->transpose_b,
               &output_shapes[0], outputs[0]);
}

struct operands {
    plugcl_shape a, b;
};

static void shape_text(const plugcl_shape *shape, char *text, size_t size)
{
    int used = 0;
    for (uint32_t i = 0; i < shape->rank; i++)
        used += snprintf(text + used, size - (size_t)used, "%s%lld", i ? "x" : "", (long long)shape->dims[i]);
}

static void swap_last(plugcl_shape *shape)
{
    int64_t last = shape->dims[shape->rank - 1];
    shape->dims[shape->rank - 1] = shape->dims[shape->rank - 2];
    shape->dims[shape->rank - 2] = last;
}

/* `operands` are as they take part; a transposed one lies the other way round. One alone is special: products of two 1e30
 * overflow. */
static void check_with_tiles(struct checkcl *check, const struct operands *operands, const struct matmul_params *params,
                             enum checkcl_layout layout, enum checkcl_fill fill, bool constant_b, bool every_tile)
{
    struct operands own = *operands;
    char a[48] = "", b[48] = "";
    shape_text(&own.a, a, sizeof a);
    shape_text(&own.b, b, sizeof b);
    if (params->transpose_a)
        swap_last(&own.a);
    if (params->transpose_b)
        swap_last(&own.b);
    struct checkcl_case row = {
        .info = &operator_matmul,
        .params = params,
        .inputs = { { .present = true, .shape = own.a, .layout = layout,
                      .fill = params->transpose_a ? CHECKCL_RANDOM : fill },
                    { .present = true, .shape = own.b, .layout = constant_b ? CHECKCL_ROW_MAJOR : layout,
                      .fill = params->transpose_a ? fill : CHECKCL_RANDOM, .constant = constant_b } },
        .every_tile = every_tile,
        .budget = 1e-4,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s%s%s_%s%s%s%s%s", every_tile ? "tiles_" : "", a, params->transpose_a ? "t" : "", b,
                params->transpose_b ? "t" : "", layout == CHECKCL_ODD_VIEW ? "_odd" : "",
                fill == CHECKCL_SPECIAL ? "_special" : "", constant_b ? "_constant" : "");
}

static void check_one(struct checkcl *check, const struct operands *operands, const struct matmul_params *params,
                      enum checkcl_layout layout, enum checkcl_fill fill, bool constant_b)
{
    check_with_tiles(check, operands, params, layout, fill, constant_b, false);
}

/* Every tile, both ways of each operand: sizes that fill none, and one more than fills one. */
static void check_tiles(struct checkcl *check)
{
    static const struct operands sizes[] = {
        { { 2, { 19, 21 } }, { 2, { 21, 14 } } },
        { { 3, { 2, 129, 17 } }, { 2, { 17, 130 } } },
        { { 2, { 65, 64 } }, { 3, { 3, 64, 72 } } },
    };
    for (int way = 0; way < 4; way++) {
        const struct matmul_params params = { way & 1, way & 2 };
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_with_tiles(check, &sizes[i], &params, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, false, true);
    }
    check_with_tiles(check, &sizes[1], &(struct matmul_params){ true, false }, CHECKCL_ODD_VIEW, CHECKCL_RANDOM, false, true);
}

/* Both ways of each operand, in memory of its own and as views. */
static void check_ways(struct checkcl *check, const struct operands *operands, enum checkcl_fill fill)
{
    for (int way = 0; way < 4; way++) {
        const struct matmul_params params = { way & 1, way & 2 };
        check_one(check, operands, &params, CHECKCL_ROW_MAJOR, fill, false);
        check_one(check, operands, &params, CHECKCL_ODD_VIEW, fill, false);
    }
    check_one(check, operands, &(struct matmul_params){ false, true }, CHECKCL_ROW_MAJOR, fill, true);
    check_one(check, operands, &(struct matmul_params){ false, false }, CHECKCL_ROW_MAJOR, fill, true);
}

void checkcl_matmul(struct checkcl *check)
{
    static const struct operands matrices[] = {
        { { 2, { 1, 1 } }, { 2, { 1, 1 } } },
        { { 2, { 7, 5 } }, { 2, { 5, 3 } } },
        { { 2, { 33, 17 } }, { 2, { 17, 65 } } },
        { { 2, { 3, 0 } }, { 2, { 0, 4 } } },
        { { 2, { 0, 3 } }, { 2, { 3, 4 } } },
        { { 3, { 3, 13, 19 } }, { 3, { 3, 19, 70 } } },
        { { 4, { 2, 1, 9, 6 } }, { 3, { 3, 6, 35 } } },
        { { 2, { 21, 600 } }, { 3, { 2, 600, 67 } } },
        { { 3, { 2, 65, 34 } }, { 2, { 34, 130 } } },
    };
    static const struct operands vectors[] = {
        { { 1, { 19 } }, { 1, { 19 } } },
        { { 1, { 19 } }, { 2, { 19, 35 } } },
        { { 2, { 35, 19 } }, { 1, { 19 } } },
        { { 1, { 7 } }, { 4, { 2, 3, 7, 5 } } },
        { { 4, { 2, 3, 5, 7 } }, { 1, { 7 } } },
        { { 1, { 0 } }, { 1, { 0 } } },
    };
    const struct matmul_params plain = { false, false };
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        check_ways(check, &matrices[i], CHECKCL_RANDOM);
    check_ways(check, &matrices[2], CHECKCL_SPECIAL);
    check_tiles(check);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        check_one(check, &vectors[i], &plain, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, false);
        check_one(check, &vectors[i], &plain, CHECKCL_ODD_VIEW, CHECKCL_RANDOM, false);
    }
    if (checkcl_is_quick(check))
        return;
    const struct matmul_params second_transposed = { false, true };
    check_one(check, &(struct operands){ { 2, { 1024, 1024 } }, { 2, { 1024, 1024 } } }, &plain, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM,
              false);
    check_one(check, &(struct operands){ { 3, { 1, 3136, 128 } }, { 3, { 1, 128, 3136 } } }, &second_transposed, CHECKCL_ROW_MAJOR,
              CHECKCL_RANDOM, false);
    check_one(check, &(struct operands){ { 3, { 1, 3136, 3136 } }, { 3, { 1, 3136, 128 } } }, &plain, CHECKCL_ROW_MAJOR,
              CHECKCL_RANDOM, false);
}
