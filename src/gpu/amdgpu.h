/* SPDX-License-Identifier: MIT */
/* What is known of AMD cards by the kernel's files, for whoever reads their figures elsewhere. */
#pragma once

#include "gpu/sysfs_card.h"

/** Whether the kernel's files have power or energy of it; asks no card that sleeps. */
bool eco_amdgpu_has_figure(const struct eco_root *root, const struct eco_card *card);
/** Facts of a card that is awake. */
void eco_amdgpu_meet(struct eco_sysfs_source *self, struct eco_sysfs_card *card);
