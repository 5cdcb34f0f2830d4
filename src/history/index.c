/* SPDX-License-Identifier: MIT */
#include "history/index.h"

#include "base/mem.h"
#include "cli/command.h"
#include "history/index_tables.h"
#include "history/index_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 1000
#define LOCK_STEP_MS 20

/* Once for each process, however often it looks something up. */
static void notice(const struct eco_why *why, const char *what_then)
{
    static bool is_told;
    if (!is_told)
        eco_notice("index of runs: %s; %s", why->text, what_then);
    is_told = true;
}

/*
 * One at a time may change the index, on every machine that shares the folder: byte locks go over NFS, too.
 * Where a file system knows none, SQLite's own order has to do. -EWOULDBLOCK: another one has it.
 */
static int take_lock(const char *state_dir)
{
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int n = snprintf(path, sizeof path, "%s/index.lock", state_dir);
    int fd = n > 0 && (size_t)n < sizeof path
                 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600)
                 : -1;
    if (fd < 0)
        return -errno;
    for (int waited_ms = 0; fcntl(fd, F_OFD_SETLK, &lock) < 0; waited_ms += LOCK_STEP_MS) {
        if (errno != EAGAIN && errno != EACCES)
            return fd;
        if (waited_ms >= LOCK_WAIT_MS) {
            (void)close(fd);
            return -EWOULDBLOCK;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
    }
    return fd;
}

static void remove_file(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_MAX];
    for (size_t i = 0; i < ECO_COUNT(endings); i++) {
        int n = snprintf(name, sizeof name, "%s%s", path, endings[i]);
        if (n > 0 && (size_t)n < sizeof name)
            (void)unlink(name);
    }
}

/* Open and bring up to date. Nothing is locked where nothing has changed, which is the usual case. */
static enum eco_index_state use_file(struct eco_index *index, const char *state_dir, const char *path,
                                     struct eco_index_files *files, struct eco_why *why)
{
    if (index->lock_fd < 0 && access(path, F_OK) < 0)
        index->lock_fd = take_lock(state_dir);
    if (index->lock_fd < 0 && access(path, F_OK) < 0) {
        eco_why_set(why, "%s", strerror(-index->lock_fd));
        return ECO_INDEX_UNFIT;
    }
    /* SQLite would make it readable for all, and it has command lines */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd >= 0)
        (void)close(fd);
    enum eco_index_state state = eco_index_tables_open(path, &index->db, why);
    if (state != ECO_INDEX_READY)
        return state;
    int r = eco_index_files_compare(files, index->db);
    if (r == SQLITE_OK && files->has_changes) {
        if (index->lock_fd < 0)
            index->lock_fd = take_lock(state_dir);
        if (index->lock_fd < 0) {
            eco_why_set(why, "%s",
                        index->lock_fd == -EWOULDBLOCK ? "another program is changing it"
                                                       : strerror(-index->lock_fd));
            r = SQLITE_BUSY;
        } else {
            r = eco_index_write(index->db, index->runs_dir, files);
        }
    }
    if (r != SQLITE_OK && !*why->text)
        eco_why_set(why, "%s", sqlite3_errmsg(index->db));
    return eco_index_state_of(r);
}

static void close_all(struct eco_index *index)
{
    (void)sqlite3_close(index->db);
    index->db = NULL;
    if (index->lock_fd >= 0)
        (void)close(index->lock_fd);
    index->lock_fd = -1;
}

static int use_memory(struct eco_index *index, struct eco_index_files *files, struct eco_why *why)
{
    index->is_in_memory = true;
    if (eco_index_tables_open(":memory:", &index->db, why) != ECO_INDEX_READY)
        return -ENOMEM;
    int r = eco_index_files_compare(files, index->db);
    if (r == SQLITE_OK)
        r = eco_index_write(index->db, index->runs_dir, files);
    if (r != SQLITE_OK)
        eco_why_set(why, "index of runs in memory: %s", sqlite3_errmsg(index->db));
    return r == SQLITE_OK ? 0 : -ENOMEM;
}

static void forget_comparison(struct eco_index_files *files)
{
    for (size_t i = 0; i < files->gone_count; i++)
        free(files->gone[i]);
    files->gone_count = 0;
    files->has_changes = false;
}

static int open_any(struct eco_index *index, const char *state_dir, struct eco_index_files *files,
                    struct eco_why *ret_why)
{
    char path[PATH_MAX];
    struct eco_why why = {.text = ""};
    int n = snprintf(path, sizeof path, "%s/index.sqlite", state_dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    /* nothing to index, and no reason to leave a file */
    if (files->count == 0 && access(path, F_OK) < 0)
        return use_memory(index, files, ret_why);
    enum eco_index_state state = use_file(index, state_dir, path, files, &why);
    if (state == ECO_INDEX_BROKEN) {
        close_all(index);
        forget_comparison(files);
        notice(&why, "it is built anew");
        remove_file(path);
        why.text[0] = 0;
        state = use_file(index, state_dir, path, files, &why);
    }
    if (state == ECO_INDEX_READY)
        return 0;
    close_all(index);
    forget_comparison(files);
    notice(&why, "the records are read without it");
    return use_memory(index, files, ret_why);
}

int eco_index_open(const char *state_dir, struct eco_index **ret, struct eco_why *why)
{
    char runs_dir[PATH_MAX];
    struct eco_index_files files;
    int n = snprintf(runs_dir, sizeof runs_dir, "%s/runs", state_dir);
    struct eco_index *index = eco_calloc(1, sizeof *index);
    if (!index || n < 0 || (size_t)n >= sizeof runs_dir) {
        free(index);
        return -ENOMEM;
    }
    index->lock_fd = -1;
    index->runs_dir = eco_strdup(runs_dir);
    int r = index->runs_dir ? eco_index_files_list(runs_dir, &files) : -ENOMEM;
    if (r < 0) {
        eco_why_set(why, "%s: %s", runs_dir, strerror(-r));
    } else {
        r = open_any(index, state_dir, &files, why);
        eco_index_files_finish(&files);
    }
    if (r < 0) {
        (void)eco_index_free(index);
        return r;
    }
    *ret = index;
    return 0;
}

sqlite3_stmt *eco_index_prepare(const struct eco_index *index, const char *sql, struct eco_why *why)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(index->db, sql, -1, &statement, NULL) == SQLITE_OK)
        return statement;
    eco_why_set(why, "index of runs: %s", sqlite3_errmsg(index->db));
    return NULL;
}

struct eco_index *eco_index_free(struct eco_index *index)
{
    if (!index)
        return NULL;
    close_all(index);
    free(index->runs_dir);
    free(index);
    return NULL;
}
