/* SPDX-License-Identifier: MIT */
/* A machine's files for fuzz targets: one temporary directory, its files written anew for every input. */
#pragma once

#include "fuzz/fuzz.h"
#include "platform/env.h"
#include "support/tree.h"

struct fuzz_machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_host host;
    struct eco_env env;
};

static struct fuzz_machine fuzz_machine;

static inline void fuzz_machine_finish(void)
{
    eco_root_finish(&fuzz_machine.root);
    eco_temp_finish(&fuzz_machine.temp);
}

/* Made at the first call, removed at the end of the program. */
static inline struct fuzz_machine *fuzz_machine_get(void)
{
    static bool is_made;

    if (!is_made) {
        is_made = true;
        eco_temp_init(&fuzz_machine.temp);
        eco_temp_roots(&fuzz_machine.temp, &fuzz_machine.root);
        fuzz_machine.env = (struct eco_env){
            .root = &fuzz_machine.root, .clock = &eco_clock_system, .host = &fuzz_machine.host};
        require(atexit(fuzz_machine_finish) == 0);
    }
    return &fuzz_machine;
}

/* The field becomes the file; a field that the input has not, a file that is not there. */
static inline void fuzz_put(const struct fuzz_machine *machine, const char *path,
                            const struct fuzz_fields *fields, unsigned index)
{
    if (index < fields->count)
        eco_temp_write_bytes(&machine->temp, path, fields->text[index], fields->length[index]);
    else
        eco_temp_remove(&machine->temp, path);
}
