/* SPDX-License-Identifier: MIT */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>

void eco_why_set(struct eco_why *why, const char *format, ...)
{
    if (!why)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
}

void eco_why_fix(struct eco_why *why, const char *format, ...)
{
    if (!why)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->fix, sizeof(why->fix), format, args);
    va_end(args);
}
