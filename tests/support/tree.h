/* SPDX-License-Identifier: MIT */
/*
 * Temporary directories with files in them: a machine's /proc and /sys as a test wants them. Every
 * call that cannot do its work ends the test program with a message: a test has no use for errors
 * of its own set-up. Missing parent directories are made.
 *
 * The .tree format holds a directory as text, so that a recorded machine can be read and reviewed
 * (git keeps neither modes nor, on every system, symbolic links and names with ':').
 * tools/tree_pack.py makes such files from directories, and back. One line each:
 *
 *   # text            a comment; empty lines are skipped as well
 *   D path mode       a directory with its mode (octal); parents need no line
 *   L path -> target  a symbolic link
 *   F path mode       a regular file; what follows is its content:
 *   |text               text and a newline
 *   +text               text without one
 *
 * Paths are relative to the root and may hold blanks, but not "..". In content, and nowhere else,
 * \\ stands for a backslash and \xNN for any byte.
 */
#pragma once

#include "platform/root.h"

#include <stddef.h>

struct eco_temp {
    char path[256]; /* absolute */
};

struct eco_temp_file {
    const char *path, *text;
};

/** A fresh directory below $TMPDIR or /tmp. */
void eco_temp_init(struct eco_temp *temp);
/** Remove it and all it holds, whatever the modes. */
void eco_temp_finish(struct eco_temp *temp);

/** Create or replace a file; `path` is relative to the directory. */
void eco_temp_write(const struct eco_temp *temp, const char *path, const char *text);
void eco_temp_write_bytes(const struct eco_temp *temp, const char *path, const void *bytes, size_t count);
void eco_temp_printf(const struct eco_temp *temp, const char *path, const char *format, ...) ECO_PRINTF(3, 4);
void eco_temp_write_all(const struct eco_temp *temp, const struct eco_temp_file *files, size_t count);
void eco_temp_mkdir(const struct eco_temp *temp, const char *path);
void eco_temp_link(const struct eco_temp *temp, const char *path, const char *target);
void eco_temp_fifo(const struct eco_temp *temp, const char *path);
/** Remove a file, a link or a directory with all it holds; not being there is fine. */
void eco_temp_remove(const struct eco_temp *temp, const char *path);
/** Absolute path of something inside, into the caller's buffer of ECO_PATH_MAX. Returns `ret`. */
const char *eco_temp_path(const struct eco_temp *temp, const char *path, char *ret);

/** Unpack a .tree file, or a .tree text of `length` bytes, into the directory. */
void eco_temp_unpack(const struct eco_temp *temp, const char *archive);
void eco_temp_unpack_text(const struct eco_temp *temp, const char *text, size_t length);

/** Roots at proc/ and sys/ of the directory; both are made if they are missing. */
void eco_temp_roots(const struct eco_temp *temp, struct eco_root *ret);

/**
 * A temporary directory with the fixture tests/fixtures/NAME.tree in it ("rapl/amd_epyc_2s"), found by
 * $ECO_FIXTURES or in the source tree.
 */
void eco_temp_init_fixture(struct eco_temp *temp, const char *name);
