/* SPDX-License-Identifier: Apache-2.0 */
/* select.c: comparisons, where and cast. */
#include "checkcl/checkcl.h"
#include "ref/elementwise.h"

static struct checkcl_tensor tensor(plugcl_dtype dtype, const plugcl_shape *shape, enum checkcl_layout layout,
                                    enum checkcl_fill fill)
{
    return (struct checkcl_tensor){ .present = true, .dtype = dtype, .shape = *shape, .layout = layout, .fill = fill, .limit = 3 };
}

static void compare_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                              double *const *outputs)
{
    ref_compare(((const struct compare_params *)row->params)->kind, inputs[0], &row->inputs[0].shape, inputs[1],
                &row->inputs[1].shape, &output_shapes[0], outputs[0]);
}

static void check_compare(struct checkcl *check, plugcl_comparison kind, struct checkcl_tensor a, struct checkcl_tensor b,
                          enum checkcl_layout out, const char *name)
{
    static const char *const kinds[] = { "eq", "ne", "lt", "le", "gt", "ge" };
    struct compare_params params = { kind };
    struct checkcl_case row = {
        .info = &operator_compare,
        .params = &params,
        .inputs = { a, b },
        .output_layout = out,
        .budget = 1e-7,
        .reference = compare_reference,
    };
    checkcl_run(check, &row, "%s_%s_%s_%s_%s_to_%s", kinds[kind], plugcl_dtype_name(a.dtype), name, checkcl_layouts[a.layout],
                checkcl_layouts[b.layout], checkcl_layouts[out]);
}

/* Whole numbers of a few values, so that many are equal; among floats NaN, infinities and both zeros. */
static void check_compares(struct checkcl *check)
{
    static const plugcl_dtype dtypes[] = { PLUGCL_F32, PLUGCL_I32, PLUGCL_BOOL };
    const plugcl_shape *shape = PLUGCL_SHAPE(3, 5, 7, 11), *map = PLUGCL_SHAPE(3, 1, 7, 11);
    for (int kind = PLUGCL_EQ; kind <= PLUGCL_GE; kind++) {
        plugcl_comparison of = (plugcl_comparison)kind;
        for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
            struct checkcl_tensor a = tensor(dtypes[i], shape, CHECKCL_CHANNELS_LAST, CHECKCL_INTEGER);
            struct checkcl_tensor b = tensor(dtypes[i], shape, CHECKCL_CHANNEL_VIEW, CHECKCL_INTEGER);
            check_compare(check, of, a, b, CHECKCL_CHANNELS_LAST, "same");
            check_compare(check, of, a, tensor(dtypes[i], map, CHECKCL_ODD_VIEW, CHECKCL_INTEGER), CHECKCL_ROW_MAJOR, "map");
        }
        struct checkcl_tensor a = tensor(PLUGCL_F32, shape, CHECKCL_ODD_VIEW, CHECKCL_SPECIAL);
        check_compare(check, of, a, tensor(PLUGCL_F32, shape, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL), CHECKCL_ROW_MAJOR, "special");
        check_compare(check, of, a, tensor(PLUGCL_F32, PLUGCL_SHAPE(1), CHECKCL_ROW_MAJOR, CHECKCL_INTEGER), CHECKCL_ROW_MAJOR,
                      "scalar");
        struct checkcl_tensor i = tensor(PLUGCL_I64, shape, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
        check_compare(check, of, i, tensor(PLUGCL_I64, map, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL), CHECKCL_ROW_MAJOR, "extremes");
        struct checkcl_tensor constant = tensor(PLUGCL_I64, PLUGCL_SHAPE(5, 1, 1), CHECKCL_ROW_MAJOR, CHECKCL_INTEGER);
        constant.constant = true;
        check_compare(check, of, i, constant, CHECKCL_CHANNELS_LAST, "constant");
        struct checkcl_tensor empty = tensor(PLUGCL_I32, PLUGCL_SHAPE(0, 3), CHECKCL_ROW_MAJOR, CHECKCL_INTEGER);
        check_compare(check, of, empty, empty, CHECKCL_ROW_MAJOR, "empty");
    }
}

static void where_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                            double *const *outputs)
{
    ref_where(inputs[0], &row->inputs[0].shape, inputs[1], &row->inputs[1].shape, inputs[2], &row->inputs[2].shape,
              &output_shapes[0], outputs[0]);
}

static void check_where(struct checkcl *check, const plugcl_shape *chooser, struct checkcl_tensor a, struct checkcl_tensor b,
                        enum checkcl_layout out, const char *name)
{
    struct checkcl_case row = {
        .info = &operator_where,
        .inputs = { tensor(PLUGCL_BOOL, chooser, chooser->rank == 4 ? out : CHECKCL_ODD_VIEW, CHECKCL_RANDOM), a, b },
        .output_layout = out,
        .budget = 1e-7,
        .reference = where_reference,
    };
    checkcl_run(check, &row, "%s_%s_%s_%s_to_%s", name, plugcl_dtype_name(a.dtype), checkcl_layouts[a.layout],
                checkcl_layouts[b.layout], checkcl_layouts[out]);
}

static void check_wheres(struct checkcl *check)
{
    const plugcl_shape *shape = PLUGCL_SHAPE(2, 19, 5, 3), *gate = PLUGCL_SHAPE(2, 19, 1, 1);
    for (int out = CHECKCL_ROW_MAJOR; out <= CHECKCL_ODD_VIEW; out++) {
        enum checkcl_layout layout = (enum checkcl_layout)out;
        struct checkcl_tensor a = tensor(PLUGCL_F32, shape, layout, CHECKCL_SPECIAL);
        struct checkcl_tensor b = tensor(PLUGCL_F32, shape, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
        check_where(check, shape, a, b, layout, "same");
        check_where(check, PLUGCL_SHAPE(5, 3), a, b, layout, "map");
        check_where(check, shape, tensor(PLUGCL_I32, gate, layout, CHECKCL_SPECIAL),
                    tensor(PLUGCL_I32, PLUGCL_SHAPE(1), CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL), layout, "gate");
    }
    struct checkcl_tensor row = tensor(PLUGCL_BOOL, PLUGCL_SHAPE(17), CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_where(check, PLUGCL_SHAPE(6, 1), row, tensor(PLUGCL_BOOL, PLUGCL_SHAPE(6, 17), CHECKCL_ODD_VIEW, CHECKCL_RANDOM),
                CHECKCL_ROW_MAJOR, "outer");
    struct checkcl_tensor empty = tensor(PLUGCL_F32, PLUGCL_SHAPE(3, 0), CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_where(check, PLUGCL_SHAPE(3, 1), empty, empty, CHECKCL_ROW_MAJOR, "empty");
}

static void cast_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                           double *const *outputs)
{
    for (int64_t i = 0; i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_cast(((const struct cast_params *)row->params)->to, inputs[0][i]);
}

static void check_cast(struct checkcl *check, struct checkcl_tensor x, plugcl_dtype to, enum checkcl_layout out, const char *name)
{
    struct cast_params params = { to };
    struct checkcl_case row = {
        .info = &operator_cast,
        .params = &params,
        .inputs = { x },
        .output_layout = out,
        .budget = 1e-7,
        .reference = cast_reference,
    };
    checkcl_run(check, &row, "%s_to_%s_%s_%s_to_%s", plugcl_dtype_name(x.dtype), plugcl_dtype_name(to), name,
                checkcl_layouts[x.layout], checkcl_layouts[out]);
}

static void check_casts(struct checkcl *check)
{
    static const float edges[12] = { 2147483520.0f, 2147483648.0f, -2147483648.0f, -2147483904.0f, 0.99f, -0.99f,
                                     1.5f, -1.5f, -0.0f, 1e-39f, 16777217.0f, -3e38f };
    static const plugcl_dtype dtypes[] = { PLUGCL_F32, PLUGCL_I32, PLUGCL_I64, PLUGCL_BOOL };
    for (size_t from = 0; from < 4; from++) {
        for (size_t to = 0; to < 4; to++) {
            check_cast(check, tensor(dtypes[from], PLUGCL_SHAPE(3, 19, 5, 3), CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL), dtypes[to],
                       CHECKCL_ROW_MAJOR, "special");
            check_cast(check, tensor(dtypes[from], PLUGCL_SHAPE(7, 9), CHECKCL_ODD_VIEW, CHECKCL_LARGE), dtypes[to],
                       CHECKCL_ROW_MAJOR, "large");
            check_cast(check, tensor(dtypes[from], PLUGCL_SHAPE(2, 0), CHECKCL_ROW_MAJOR, CHECKCL_LARGE), dtypes[to],
                       CHECKCL_ROW_MAJOR, "empty");
        }
        struct checkcl_tensor x = tensor(PLUGCL_F32, PLUGCL_SHAPE(12), CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
        x.values = edges;
        check_cast(check, x, dtypes[from], CHECKCL_ROW_MAJOR, "edges");
    }
}

void checkcl_select(struct checkcl *check)
{
    check_compares(check);
    check_wheres(check);
    check_casts(check);
}
