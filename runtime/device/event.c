/* SPDX-License-Identifier: Apache-2.0 */
/* event.c: reference-counted events, and waiting for them with a time limit, which OpenCL does not have. */
#include "device/private.h"

enum { FIRST_PAUSE_NS = 20000, LONGEST_PAUSE_NS = 1000000 };

plugcl_status event_make(plugcl_context *context, cl_event cl, plugcl_event **made)
{
    plugcl_event *event = memory_zeroed(1, sizeof *event);
    *made = event;
    if (!event) {
        context->api->clReleaseEvent(cl);
        return fail_no_memory(sizeof *event);
    }
    atomic_init(&event->references, 1);
    event->context = context_hold(context);
    event->cl = cl;
    return PLUGCL_OK;
}

plugcl_event *event_take(plugcl_event *event)
{
    if (event)
        reference_take(&event->references);
    return event;
}

void plugcl_event_destroy(plugcl_event **event)
{
    if (!event || !*event)
        return;
    plugcl_event *dropped = *event;
    *event = NULL;
    if (!reference_drop(&dropped->references))
        return;
    plugcl_context *context = dropped->context;
    context->api->clReleaseEvent(dropped->cl);
    memory_free(dropped);
    context_let_go(context);
}

static plugcl_status fail_work(cl_int state)
{
    return opencl_fail("work on the device", state);
}

/* The execution status: above CL_COMPLETE while the work goes on, below it when it failed. */
static plugcl_status get_state(const plugcl_event *event, cl_int *state)
{
    cl_int error = event->context->api->clGetEventInfo(event->cl, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state, state, NULL);
    return error ? opencl_fail("clGetEventInfo", error) : PLUGCL_OK;
}

static plugcl_status wait_forever(const plugcl_event *event)
{
    cl_int error = event->context->api->clWaitForEvents(1, &event->cl);
    cl_int state = CL_COMPLETE;
    if (error == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST && get_state(event, &state) == PLUGCL_OK && state < 0)
        return fail_work(state);
    return error ? opencl_fail("clWaitForEvents", error) : PLUGCL_OK;
}

static plugcl_status flush_queue_of(const plugcl_event *event)
{
    const struct opencl_api *api = event->context->api;
    cl_command_queue queue = NULL;
    cl_int error = api->clGetEventInfo(event->cl, CL_EVENT_COMMAND_QUEUE, sizeof queue, &queue, NULL);
    if (error)
        return opencl_fail("clGetEventInfo", error);
    if (queue && (error = api->clFlush(queue)) != CL_SUCCESS) /* a user event has no queue */
        return opencl_fail("clFlush", error);
    return PLUGCL_OK;
}

static void pause_for(uint64_t ns)
{
    mutex lock;
    condition never;
    mutex_create(&lock);
    condition_create(&never);
    mutex_lock(&lock);
    condition_wait(&never, &lock, ns);
    mutex_unlock(&lock);
    condition_destroy(&never);
    mutex_destroy(&lock);
}

/* Asks for at most `limit_ns`, as long as the context polls again and again and then with pauses, longer each time; *state is the
 * last answer. */
static plugcl_status ask_for(const plugcl_event *event, uint64_t limit_ns, cl_int *state)
{
    const uint64_t start = clock_ns();
    uint64_t pause = FIRST_PAUSE_NS;
    plugcl_status status = get_state(event, state);
    while (status == PLUGCL_OK && *state > CL_COMPLETE) {
        const uint64_t waited = clock_ns() - start;
        if (waited >= limit_ns)
            break;
        if (waited < event->context->poll_ns) {
            thread_yield();
        } else {
            pause_for(pause < limit_ns - waited ? pause : limit_ns - waited);
            pause = pause < LONGEST_PAUSE_NS / 2 ? pause * 2 : LONGEST_PAUSE_NS;
        }
        status = get_state(event, state);
    }
    return status;
}

plugcl_status plugcl_event_wait(plugcl_event *event, uint64_t timeout_ns)
{
    if (!event)
        return PLUGCL_OK; /* nothing was launched */
    const uint64_t poll_ns = event->context->poll_ns;
    const bool forever = timeout_ns == PLUGCL_WAIT_FOREVER;
    cl_int state = CL_QUEUED;
    if (!forever || poll_ns > 0) {
        plugcl_status status = flush_queue_of(event);
        if (status == PLUGCL_OK)
            status = ask_for(event, forever ? poll_ns : timeout_ns, &state);
        if (status != PLUGCL_OK)
            return status;
        if (state < 0)
            return fail_work(state);
        if (state > CL_COMPLETE && !forever)
            return fail(PLUGCL_TIMEOUT, "the work has not ended after %.3f ms; it goes on", (double)timeout_ns * 1e-6);
    }
    return wait_forever(event); /* also of what has ended: asking for a state makes nothing visible to the host */
}

plugcl_status event_times(plugcl_event *event, uint64_t *start_ns, uint64_t *end_ns)
{
    const struct opencl_api *api = event->context->api;
    cl_ulong start = 0, end = 0;
    cl_int error = api->clGetEventProfilingInfo(event->cl, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (!error)
        error = api->clGetEventProfilingInfo(event->cl, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    if (error == CL_PROFILING_INFO_NOT_AVAILABLE)
        return fail(PLUGCL_STATE, "there are no times: the work is not finished, or its queue does not record them");
    if (error)
        return opencl_fail("clGetEventProfilingInfo", error);
    *start_ns = start;
    *end_ns = end;
    return PLUGCL_OK;
}
