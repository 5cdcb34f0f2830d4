/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

/*
 * Large blocks from the kernel as they are: empty already, and their pages cost nothing until they are used.
 * From the heap calloc() would write every one of them, 60 pages before a command may begin. So the heap is
 * kept short, too: what lies ready there is taken first.
 */
#define LARGE_BYTES 16384

static void set_up_memory(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TOP_PAD, LARGE_BYTES);
    (void)malloc_trim(LARGE_BYTES);
#endif
}

int main(int argc, char **argv)
{
    set_up_memory();
    return eco_dispatch(argc, argv, NULL);
}
