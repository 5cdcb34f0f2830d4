/* SPDX-License-Identifier: MIT */
/* Apart from tree.c, so that tests of base need not link the platform. */
#include "support/tree.h"

#include <stdio.h>
#include <stdlib.h>

void eco_temp_roots(const struct eco_temp *temp, struct eco_root *ret)
{
    char procfs[ECO_PATH_MAX], sysfs[ECO_PATH_MAX];
    eco_temp_mkdir(temp, "proc");
    eco_temp_mkdir(temp, "sys");
    int r = eco_root_init(ret, eco_temp_path(temp, "proc", procfs), eco_temp_path(temp, "sys", sysfs));
    if (r < 0) {
        (void)fprintf(stderr, "test set-up: roots in %s: %d\n", temp->path, r);
        abort();
    }
}
