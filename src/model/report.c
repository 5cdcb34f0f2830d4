/* SPDX-License-Identifier: MIT */
#include "model/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void eco_report_warn(struct eco_report *report, const char *format, ...)
{
    char text[sizeof(report->warnings[0])];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    for (unsigned i = 0; i < report->warning_count; i++) {
        if (strcmp(report->warnings[i], text) == 0)
            return;
    }
    if (report->warning_count == ECO_WARNINGS_MAX)
        return;
    memcpy(report->warnings[report->warning_count++], text, sizeof(text));
}

void eco_report_finish(struct eco_report *report)
{
    free(report->domains);
    free(report->processes);
    free(report->process_energy);
    report->domains = NULL;
    report->processes = NULL;
    report->process_energy = NULL;
    report->domain_count = 0;
    report->process_count = 0;
}
