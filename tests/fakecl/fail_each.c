/* SPDX-License-Identifier: Apache-2.0 */
#include "fail_each.h"

#include "base/memory.h"
#include "fakecl.h"

#include "../unit/unit.h"

/* These may fail without a word: a program that cannot be stored or loaded is built. */
static bool may_be_silent(const char *call)
{
    return strcmp(call, "clGetProgramInfo") == 0 || strcmp(call, "clCreateProgramWithBinary") == 0;
}

void fail_each_call(driver run, const struct plugcl_context_params *params, bool silent)
{
    const struct {
        cl_int error;
        plugcl_status status;
    } errors[] = { { CL_OUT_OF_RESOURCES, PLUGCL_NO_MEMORY }, { CL_INVALID_OPERATION, PLUGCL_DEVICE },
                   { CL_OUT_OF_HOST_MEMORY, PLUGCL_NO_MEMORY } };
    for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
        fakecl_error(errors[e].error);
        fakecl_fail_at(0);
        if (run(params) != PLUGCL_OK)
            fail_msg("without a failure: %s", plugcl_error_message());
        long calls = fakecl_calls();
        assert_true(calls > 10);
        for (long n = 1; n <= calls; n++) {
            fakecl_fail_at(n);
            plugcl_status status = run(params);
            const char *call = fakecl_failed_call();
            assert_non_null(call);
            if (status != errors[e].status && !(status == PLUGCL_OK && (silent || may_be_silent(call))))
                fail_msg("call %ld, %s, error %d: %s, %s", n, call, (int)errors[e].error, plugcl_status_name(status),
                         plugcl_error_message());
            assert_int_equal(fakecl_live_objects(), 0);
            assert_int_equal(fakecl_live_bytes(), 0);
        }
    }
    fakecl_fail_at(0);
}

void fail_each_allocation(driver run, const struct plugcl_context_params *params)
{
    plugcl_status status = PLUGCL_NO_MEMORY;
    fakecl_fail_at(0);
    for (long n = 1; status != PLUGCL_OK; n++) {
        assert_true(n < 5000);
        memory_fail_after(n);
        status = run(params);
        memory_fail_after(0);
        if (status != PLUGCL_OK && status != PLUGCL_NO_MEMORY)
            fail_msg("allocation %ld: %s, %s", n, plugcl_status_name(status), plugcl_error_message());
        assert_int_equal(fakecl_live_objects(), 0);
    }
}
