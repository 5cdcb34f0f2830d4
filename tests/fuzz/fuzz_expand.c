/* SPDX-License-Identifier: MIT */
/* Output paths with % sequences, and formats by suffix: bounded, nothing written on failure. */
#include "fuzz/fuzz.h"
#include "sinks/sink.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size), path[64], before[64], small[3];
    struct eco_why why = {{0}, {0}};

    require(setenv("FUZZ_VALUE", "%p/x", 1) == 0 && unsetenv("FUZZ_NONE") == 0);
    memset(path, 0x5a, sizeof(path));
    memcpy(before, path, sizeof(path));
    int r = eco_sink_expand_path(text, 7, "a/b", path, sizeof(path), &why);
    if (r < 0) {
        require(memcmp(path, before, sizeof(path)) == 0 && why.text[0] != '\0');
    } else {
        require(r == 0 && memchr(path, '\0', sizeof(path)) != NULL);
        /* Without sequences a path is taken as it is; what a variable holds is not expanded again. */
        if (strchr(text, '%') == NULL)
            require(strcmp(path, text) == 0);
    }
    memset(small, 0x5a, sizeof(small));
    if (eco_sink_expand_path(text, 7, NULL, small, sizeof(small), NULL) == 0)
        require(memchr(small, '\0', sizeof(small)) != NULL);
    else
        require(small[0] == 0x5a && small[2] == 0x5a);
    free(text);
    return 0;
}
