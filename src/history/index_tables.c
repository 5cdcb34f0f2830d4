/* SPDX-License-Identifier: MIT */
#include "history/index_tables.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define APPLICATION_ID  0x45434f31 /* "ECO1" */
#define BUSY_TIMEOUT_MS 1000

/* Each step leads to the next version. Published ones are never changed, only followed by another. */
static const char *const migrations[ECO_INDEX_VERSION] = {
    "CREATE TABLE files("
    " name TEXT NOT NULL PRIMARY KEY," /* within runs/ */
    " stem TEXT NOT NULL,"             /* of the run, all of whose files begin so */
    " day TEXT NOT NULL,"              /* '2026-11-23', '' = the first file */
    " size INTEGER NOT NULL,"          /* bytes */
    " mtime_ns INTEGER NOT NULL,"
    " error TEXT" /* why it could not be read; NULL = it could */
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE runs("
    " stem TEXT NOT NULL PRIMARY KEY,"
    " file TEXT NOT NULL," /* the last one, which has the totals */
    " run_id TEXT NOT NULL,"
    " parent_run_id TEXT,"
    " hostname TEXT,"
    " command TEXT," /* words with blanks between them; NULL = monitor */
    " cwd TEXT,"
    " labels TEXT NOT NULL," /* JSON object */
    " started_at TEXT,"      /* '2026-11-22T10:00:00.000Z' */
    " duration_s REAL,"
    " exit_code INTEGER,"
    " exit_signal INTEGER,"
    " complete INTEGER NOT NULL," /* 0 = killed, or it goes on */
    " ecocode_version TEXT,"
    " cpu_model TEXT,"
    " policy TEXT,"
    " quality TEXT,"
    " job_j REAL,"
    " job_low_j REAL,"
    " job_high_j REAL,"
    " active_j REAL,"
    " full_j REAL,"
    " others_j REAL,"
    " idle_j REAL,"
    " unattributed_j REAL,"
    " machine_j REAL,"
    " cpu_s REAL,"
    " process_count INTEGER,"
    " co2e_g REAL," /* as reported then, by the run's policy */
    " water_l REAL,"
    " cost REAL,"
    " currency TEXT,"
    " co2e_scope TEXT" /* 'lifecycle', 'direct': never to be added up together */
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX runs_by_time ON runs(started_at, run_id);"
    "CREATE INDEX runs_by_id ON runs(run_id);"
    "CREATE TABLE labels("
    " stem TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " PRIMARY KEY(stem, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX labels_by_value ON labels(key, value);",
};

/* Write-ahead logs need memory that processes share, which machines cannot (sqlite.org/wal.html). */
static bool is_on_network(const char *path)
{
    static const long kinds[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x01021997, /* 9P */
        0x65735546, /* FUSE: sshfs and others; slower here, and never wrong */
        0x5346414f, /* AFS */
        0x73757245, /* Coda */
        0x00c36400, /* Ceph */
        0x0bd00bd0, /* Lustre */
        0x47504653, /* GPFS */
        0x19830326, /* BeeGFS */
        0x20030528, /* OrangeFS */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
    };
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return true;
    for (size_t i = 0; i < ECO_COUNT(kinds); i++)
        if (((unsigned long)fs.f_type & 0xffffffff) == (unsigned long)kinds[i])
            return true;
    return false;
}

static int read_number(sqlite3 *db, const char *sql, long long *ret)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        *ret = sqlite3_column_int64(statement, 0);
        r = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    return r;
}

static int migrate(sqlite3 *db, long long version)
{
    char pragma[64];
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    /* another one may have done it while we waited */
    if (r == SQLITE_OK)
        r = read_number(db, "PRAGMA user_version", &version);
    for (; r == SQLITE_OK && version < ECO_INDEX_VERSION; version++)
        r = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION_ID,
                   ECO_INDEX_VERSION);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, pragma, NULL, NULL, NULL);
    if (r == SQLITE_OK)
        return sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

enum eco_index_state eco_index_state_of(int sqlite_error)
{
    int kind = sqlite_error & 0xff;
    return kind == SQLITE_OK || kind == SQLITE_DONE || kind == SQLITE_ROW ? ECO_INDEX_READY
           : kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB              ? ECO_INDEX_BROKEN
                                                                          : ECO_INDEX_UNFIT;
}

/* Who made it, and when. 0 for a file that holds nothing yet. */
static enum eco_index_state check_version(sqlite3 *db, long long *ret_version, int *ret_error,
                                          struct eco_why *why)
{
    long long id = 0, tables = 0;
    int r = read_number(db, "PRAGMA application_id", &id);
    if (r == SQLITE_OK)
        r = read_number(db, "PRAGMA user_version", ret_version);
    if (r == SQLITE_OK)
        r = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    *ret_error = r;
    if (r != SQLITE_OK)
        return eco_index_state_of(r);
    if (tables > 0 && id != APPLICATION_ID) {
        eco_why_set(why, "not made by ecocode");
        return ECO_INDEX_UNFIT;
    }
    if (tables > 0 && *ret_version > ECO_INDEX_VERSION) {
        eco_why_set(why, "made by a later version of ecocode");
        return ECO_INDEX_UNFIT;
    }
    return ECO_INDEX_READY;
}

enum eco_index_state eco_index_tables_open(const char *path, sqlite3 **ret, struct eco_why *why)
{
    sqlite3 *db = NULL;
    long long version = 0;
    struct eco_why reason = {.text = ""};
    bool is_file = strcmp(path, ":memory:") != 0;
    int r = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
        NULL);
    enum eco_index_state state = eco_index_state_of(r);
    if (state == ECO_INDEX_READY) {
        (void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
        state = check_version(db, &version, &r, &reason);
    }
    /* it can be made again: no waiting for the disk, but for what keeps it whole; what was redacted is gone
     */
    if (state == ECO_INDEX_READY && is_file) {
        r = sqlite3_exec(
            db,
            is_on_network(path)
                ? "PRAGMA journal_mode=DELETE; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
                : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
            NULL, NULL, NULL);
        state = eco_index_state_of(r);
    }
    if (state == ECO_INDEX_READY && version < ECO_INDEX_VERSION) {
        r = migrate(db, version);
        state = eco_index_state_of(r);
    }
    if (state == ECO_INDEX_READY) {
        *ret = db;
        return state;
    }
    if (!*reason.text)
        eco_why_set(&reason, "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(r));
    if (why)
        *why = reason;
    (void)sqlite3_close(db);
    return state;
}
