/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator.h: what an operator is: a shape rule, a need of layout, and a table of implementations (variants).
 *
 * The table drives dispatch, the tests and the benchmarks. To add a variant, write its kernel, its planner function and a row.
 * A planner function turns one call (operands with shapes and strides) into launches of a schedule.
 */
#ifndef PLUGCL_OPS_OPERATOR_H
#define PLUGCL_OPS_OPERATOR_H

#include <plugcl/graph.h>
#include <plugcl/plan.h>

#include "device/context.h"
#include "ops/constant.h"
#include "ops/schedule.h"

#define OPERATOR_MAX_INPUTS 32
#define OPERATOR_MAX_OUTPUTS 2

/* A tensor as a kernel sees it: logical dimensions ([N,C,H,W] for pictures) with a stride for each, in elements. */
struct operand {
    bool present;
    plugcl_dtype dtype; /* F32 (float in kernels), I32, I64 or BOOL (all int in kernels; BOOL is 0 or 1) */
    bool at_port;       /* elements as a caller's tensor has them: I64 of 8 bytes, BOOL of 1. Else each has 4 */
    plugcl_shape shape;
    int64_t strides[PLUGCL_MAX_RANK];
    uint32_t region;          /* where it is: a region of the schedule; unused for a constant that a variant packs itself */
    int64_t offset;           /* of element 0 from the region's beginning (or the constant's), in elements */
    struct constant *constant; /* not NULL: a weight or constant, with its data on the host */
};

/* What a fused layer does to its sums, y = act(sum + bias + residual), or a gate to its product. */
struct epilogue {
    bool has_residual; /* the last present input, with the output's shape */
    plugcl_activation act;
    float alpha, beta;
};

struct operator_call {
    const struct operator_info *info;
    const void *params; /* the operator's own struct, below */
    struct operand inputs[OPERATOR_MAX_INPUTS];
    struct operand outputs[OPERATOR_MAX_OUTPUTS]; /* an output that nobody reads is not present */
    struct epilogue epilogue;
    plugcl_gemm gemm; /* of operators with a row "clblast" */
    bool no_winograd; /* its variants may not be taken: they round more than a sum over taps */
    uint32_t tile;    /* the planner is to take this one of its variant's (operator_info's `tile`); 0: the built-in choice */
};

struct variant {
    const char *name;
    /* Whether it can serve this call at all; and whether it is the built-in choice where it can (rows are tried in order). */
    bool (*can_run)(const struct device_caps *caps, const struct operator_call *call);
    bool (*is_preferred)(const struct device_caps *caps, const struct operator_call *call); /* NULL: always */
    plugcl_status (*plan)(struct schedule *schedule, const struct operator_call *call);
};

enum operand_need {
    NEED_NOTHING,       /* any strides */
    NEED_CHANNELS_LAST, /* rank 4: channel stride 1, the rest dense NHWC (the pixel stride may be wider: a channel view) */
    NEED_CHANNELS_LAST_ON_GPU, /* any strides on CPU devices */
    NEED_DENSE_CHANNELS_LAST, /* rank 4: dense NHWC */
    NEED_ROW_MAJOR,     /* dense in logical order */
    NEED_HOST           /* a constant that the planner packs itself; it is not uploaded as it is */
};

enum output_layout {
    OUTPUT_LIKE_INPUT,   /* NHWC if input 0 of rank 4 is, else row-major */
    OUTPUT_LIKE_RESIDUAL, /* the same of the residual, where there is one */
    OUTPUT_CHANNELS_LAST,
    OUTPUT_ROW_MAJOR
};

/* What an operator takes up of what follows it: an activation, and before it a residual. */
enum takes_epilogue {
    EPILOGUE_NONE,
    EPILOGUE_OF_LAYER, /* any activation; a scale and shift for each channel go into its weight and bias, inputs 1 and 2 */
    EPILOGUE_OF_GATE,  /* only activations that bound a value: relu, relu6, clip */
    EPILOGUE_OF_BINARY /* any activation, and no residual */
};

struct operator_info {
    const char *name;
    size_t params_size; /* copied with the node */
    void (*params_take)(void *params), (*params_drop)(void *params); /* for what a copy refers to; NULL: nothing */
    /* Output shapes from input shapes (all dimensions known). An absent optional input has rank 0 and present[i] false.
     * Errors name the operand, what it is and what it should be. */
    plugcl_status (*shape)(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs);
    /* Output types from input types, each of them F32, I32, I64 or BOOL (constants of other types count as F32).
     * NULL: every operand must be F32, and so are the outputs. */
    plugcl_status (*dtype)(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs);
    enum operand_need (*need)(const struct operator_call *call, size_t input); /* NULL: NEED_NOTHING */
    enum output_layout layout;
    bool dense_outputs;  /* results are not written in place into a concat's */
    bool in_place;       /* output 0, of input 0's shape and strides, may lie where input 0 does */
    enum takes_epilogue epilogue;
    uint32_t residual_input; /* where it takes one */
    const struct variant *variants; /* the last row has a NULL name; the one before it is generic: it can always run */
    /* Names one of the tiles (of registers or local memory, Winograd's, key panels) with which a variant can plan the call, for
     * tuning: "6x64" for number 1 on; false past the last. Number 0 is the variant's own choice, which is one of them.
     * NULL: no variant has any. */
    bool (*tile)(const struct variant *variant, const struct device_caps *caps, const struct operator_call *call, uint32_t number,
                 char name[TILE_NAME]);
    uint64_t (*flops)(const struct operator_call *call); /* NULL: one for each element of output 0 */
    /* Composites: adds the definition to `graph` in primitives; results[i] for each output. NULL for primitives. */
    void (*expand)(plugcl_graph *graph, const void *params, const plugcl_value *inputs, plugcl_value *results);
};

/* The operators, one file each. */
extern const struct operator_info operator_conv2d, operator_linear;                          /* conv2d.c linear.c */
extern const struct operator_info operator_deform_conv2d;                                    /* deform_conv2d.c */
extern const struct operator_info operator_conv_transpose2d;                                 /* conv_transpose2d.c */
extern const struct operator_info operator_pool2d, operator_adaptive_pool2d;                 /* pool.c */
extern const struct operator_info operator_batch_norm;                                       /* batch_norm.c */
extern const struct operator_info operator_layer_norm, operator_group_norm;                  /* norm.c */
extern const struct operator_info operator_activation, operator_prelu, operator_binary;      /* elementwise.c */
extern const struct operator_info operator_matmul;                                           /* matmul.c */
extern const struct operator_info operator_attention, operator_attention_map;                /* attention.c attention_map.c */
extern const struct operator_info operator_compare, operator_where;                          /* elementwise.c where.c */
extern const struct operator_info operator_softmax, operator_reduce;                         /* softmax.c reduce.c */
extern const struct operator_info operator_copy;                                             /* copy.c: any strides to any */
extern const struct operator_info operator_cast;                                             /* cast.c */
extern const struct operator_info operator_channel_gate, operator_spatial_gate;              /* channel_gate.c … */
extern const struct operator_info operator_affine_grid, operator_grid_sample, operator_warp; /* sample.c */
extern const struct operator_info operator_resize;                                           /* resize.c */
extern const struct operator_info operator_pyramid;                                          /* pyramid.c */
extern const struct operator_info operator_concat, operator_reshape, operator_transpose;     /* view.c: shape rules only */
extern const struct operator_info operator_slice, operator_squeeze, operator_unsqueeze;      /* rearrange.c: shape rules only */
extern const struct operator_info operator_pixel_shuffle;
extern const struct operator_info operator_pad, operator_gather;                             /* pad.c gather.c */

/* Every operator with variants, for the tests and for --variant; ends with NULL. */
extern const struct operator_info *const operators[];

/* Parameters. conv2d takes struct plugcl_conv2d_params with the defaults filled in (no zero strides, dilations or groups),
 * conv_transpose2d struct plugcl_conv_transpose2d_params likewise; linear takes none. Their inputs: x, weight,
 * bias and (of conv2d and linear) residual. deform_conv2d takes conv2d's; inputs x, weight, bias, offset, mask. */
struct pool2d_params {
    bool is_max;
    struct plugcl_pool2d_params window; /* defaults filled in */
};
struct adaptive_pool2d_params {
    bool is_max;
    uint32_t height, width;
};
struct batch_norm_params { /* inputs: x, mean, variance, weight, bias */
    float eps;
};
struct layer_norm_params { /* inputs: x, weight, bias */
    uint32_t axes;         /* the last ones */
    float eps;
};
struct group_norm_params { /* inputs: x, weight, bias */
    uint32_t groups;       /* 0: as many as channels */
    float eps;
};
struct activation_params {
    plugcl_activation kind;
    float alpha, beta;
};
struct binary_params {
    plugcl_binary kind;
};
struct compare_params {
    plugcl_comparison kind;
};
struct cast_params {
    plugcl_dtype to;
};
struct axis_params { /* softmax, concat: 0 ≤ axis < rank */
    uint32_t axis;
};
struct reduce_params {
    plugcl_reduce kind;
    bool axes[PLUGCL_MAX_RANK];
    bool keep_dimensions;
};
struct reshape_params { /* inputs: x, and perhaps a value whose shape it takes */
    plugcl_shape shape; /* with 0 and −1 */
    bool is_flatten;
    int start, end;
};
struct slice_params { /* for each axis */
    int64_t start[PLUGCL_MAX_RANK], end[PLUGCL_MAX_RANK], step[PLUGCL_MAX_RANK]; /* step 0: the whole axis */
    int64_t whole[PLUGCL_MAX_RANK]; /* the size that the axis must have, if it is not 0 */
};
/* Clamps a slice to an axis of that size: the number of its elements, the first one and the step to the next. */
int64_t slice_elements(const struct slice_params *params, uint32_t axis, int64_t size, int64_t *first, int64_t *step);
struct squeeze_params { /* unsqueeze: the axes are the result's */
    bool axes[PLUGCL_MAX_RANK];
};
/* pad: struct plugcl_pad_params. gather: axis_params; inputs x, indices. */
struct pixel_shuffle_params {
    uint32_t factor;
    bool inverse;
};
struct transpose_params {
    uint32_t order[PLUGCL_MAX_RANK];
};
/* affine_grid's inputs: theta, x or absent (its size where `size` is 0); grid_sample's: x, grid; warp's: x, theta. */
struct sample_params {
    plugcl_sample_mode mode;
    plugcl_sample_padding padding;
    bool align_corners;
    uint32_t size[2]; /* of the grid or warp's output: height, width; 0 is x's */
};
/* attention takes struct plugcl_attention_params with the defaults filled in; its inputs: q, k, v. Plans for CPU devices give it
 * the 1x1 convolution behind it, whose output it then has: weight, bias or absent, and a residual of the output's shape. attention_map
 * takes the same; its inputs: q, k, the chosen queries (a constant of I32) or absent: all of them. */
struct matmul_params { /* inputs: a, b */
    bool transpose_a, transpose_b;
};
/* channel_gate: struct plugcl_channel_gate_params (pools filled in); inputs x, first, first_bias, second, second_bias,
 *   residual; outputs y, gate [N,C,1,1]. Without y (a spatial gate took the gate over) only the gate is computed.
 * spatial_gate: struct plugcl_spatial_gate_params; inputs x, weight, bias, channel gate [N,C,1,1] or absent: it computes the
 *   spatial gate of x · channel gate without writing that product, residual; outputs y, gate [N,1,H,W]. */

/* resize: struct plugcl_resize_params; inputs x, a value of the wanted height and width or absent. */
/* pyramid: inputs x, pool, pool_bias, projection, projection_bias, then for each branch depthwise (or absent), weight, bias. */
#define PYRAMID_MAX_BRANCHES 9
struct pyramid_params {
    uint32_t branches;
    uint32_t dilation[PYRAMID_MAX_BRANCHES]; /* at least 1 */
    bool pool_first;
    plugcl_activation act;
    float act_alpha;
};

/* The row of operators whose matrix products can be CLBlast's. */
#define CLBLAST_ROW "clblast"
/* The row of conv2d that a call may forbid. */
#define WINOGRAD_ROW "cpu_winograd"
/* The row of conv2d of which several calls can be one launch (conv2d_plan_together). */
#define TAPS_ROW "cpu_taps"

/* NULL if the name is unknown. */
const struct variant *variant_find(const struct operator_info *info, const char *name);
/* The failure of that search: NOT_FOUND, with the names that there are. */
plugcl_status variant_fail_unknown(const struct operator_info *info, const char *name);
/* The first preferred row that can run, else the last row. `forced` (may be NULL) names a row: NOT_FOUND if there is none,
 * UNSUPPORTED if it cannot run. */
plugcl_status variant_choose(const struct operator_info *info, const struct device_caps *caps, const struct operator_call *call,
                             const char *forced, const struct variant **chosen);

/* What serves a call. */
struct choice {
    const struct variant *variant;
    uint32_t tile;
    plugcl_choice kind;
};
/* variant_choose with the schedule's tuning. A forced row, be it by `forced` or by the call's gemm, keeps its own tile. */
plugcl_status variant_select(struct schedule *schedule, const struct operator_call *call, const char *forced,
                             struct choice *choice);
plugcl_status choice_plan(struct schedule *schedule, const struct operator_call *call, const struct choice *choice);
/* Selects and plans, for a composite's planner: the launches belong to the composite's step. */
plugcl_status variant_plan(struct schedule *schedule, const struct operator_call *call);
/* The same of a copy, within another operator's step. */
plugcl_status variant_plan_copy(struct schedule *schedule, const struct operand *from, const struct operand *to);
/* The type that a plan computes with: F32 for the storage types F16, BF16 and F64. */
plugcl_dtype dtype_computed(plugcl_dtype dtype);
/* NumPy's rule for any number of operands: sizes along an axis, counted from the last, are equal or 1. */
plugcl_status shape_broadcast(const plugcl_shape *inputs, size_t n_inputs, plugcl_shape *output);
/* The dtype rule of operators that move elements of any type: the output is of the first operand's. */
plugcl_status dtype_of_first(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs);
/* The operator's rule, or that of NULL, on types that are computed with. */
plugcl_status operator_dtypes(const struct operator_info *info, const void *params, const plugcl_dtype *inputs,
                              const bool *present, plugcl_dtype *outputs);

/* Dense strides of the operand's shape, NHWC (where its rank is 4) or row-major. */
void operand_set_strides(struct operand *operand, bool channels_last);
struct operand operand_dense(plugcl_dtype dtype, const plugcl_shape *shape, bool channels_last, uint32_t region);
/* Questions that planner functions ask of operands. */
size_t operand_element_size(const struct operand *operand);
int64_t operand_elements(const struct operand *operand);
bool operand_is_row_major(const struct operand *operand);     /* dense, logical order */
bool operand_is_channels_last(const struct operand *operand); /* rank 4, as NEED_CHANNELS_LAST */
bool operand_is_dense(const struct operand *operand);         /* either of the two without gaps */
bool call_is_empty(const struct operator_call *call);         /* its first output has no elements */

/* For can_run. */
bool variant_always(const struct device_caps *caps, const struct operator_call *call);
bool variant_on_cpu(const struct device_caps *caps, const struct operator_call *call);
bool variant_on_gpu(const struct device_caps *caps, const struct operator_call *call);

#endif
