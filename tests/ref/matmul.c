/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/matmul.h"

#include "ref/elementwise.h"

/* An operand as a batch of matrices: vectors become one row (a) or one column (b). */
struct matrices {
    plugcl_shape batch;
    int64_t rows, columns;
    bool transposed;
};

static struct matrices matrices_of(const plugcl_shape *shape, bool transposed, bool is_first)
{
    struct matrices m = { .batch = { .rank = 0 }, .transposed = transposed };
    if (shape->rank == 1) {
        m.rows = is_first ? 1 : shape->dims[0];
        m.columns = is_first ? shape->dims[0] : 1;
        return m;
    }
    m.batch = *shape;
    m.batch.rank = shape->rank - 2;
    m.rows = shape->dims[shape->rank - (transposed ? 1 : 2)];
    m.columns = shape->dims[shape->rank - (transposed ? 2 : 1)];
    return m;
}

static double element(const double *matrix, const struct matrices *m, int64_t row, int64_t column)
{
    return m->transposed ? matrix[column * m->rows + row] : matrix[row * m->columns + column];
}

void ref_matmul(const double *a, const plugcl_shape *a_shape, bool transpose_a, const double *b, const plugcl_shape *b_shape,
                bool transpose_b, const plugcl_shape *y_shape, double *y)
{
    struct matrices left = matrices_of(a_shape, transpose_a, true), right = matrices_of(b_shape, transpose_b, false);
    plugcl_shape whole = *y_shape;
    whole.rank -= (a_shape->rank > 1) + (b_shape->rank > 1);
    int64_t count = plugcl_shape_elements(&whole), rows = left.rows, columns = right.columns, depth = left.columns;
    for (int64_t n = 0; n < count; n++) {
        const double *l = a + ref_source_of(n, &whole, &left.batch) * rows * depth;
        const double *r = b + ref_source_of(n, &whole, &right.batch) * depth * columns;
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++) {
                double sum = 0;
                for (int64_t k = 0; k < depth; k++)
                    sum += element(l, &left, i, k) * element(r, &right, k, j);
                y[(n * rows + i) * columns + j] = sum;
            }
        }
    }
}
