/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c: plugcl describe. */
#include "request.h"

#include <stdio.h>
#include <string.h>

int command_describe(int argc, char **argv)
{
    struct request request = { 0 };
    struct session session = { 0 };
    char *text = NULL;
    int result = request_read(&request, REQUEST_DESCRIBE, argc, argv);
    if (!result)
        result = request_check(&request, REQUEST_DESCRIBE);
    if (!result)
        result = session_open(&session, &request);
    if (!result && plugcl_plan_describe(session.plan, request.json ? PLUGCL_JSON : PLUGCL_TEXT, &text))
        result = library_failed();
    if (!result) {
        progress_end();
        fputs(text, stdout);
        if (*text && text[strlen(text) - 1] != '\n')
            putchar('\n');
        result = finish_output();
    }
    if (!result) {
        print_notes();
    }
    plugcl_free(text);
    session_close(&session);
    drop_notes();
    return result;
}
