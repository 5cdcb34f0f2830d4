/* SPDX-License-Identifier: MIT */
/* main() of a fuzz target without a fuzzer: every file named, and every file in a directory named, once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    /* Exactly as long as the input, so that reading behind it is seen by a sanitizer. */
    static uint8_t buffer[INPUT_MAX];

    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t n = fread(buffer, 1, sizeof(buffer), file);
    (void)fclose(file);
    uint8_t *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        copy[i] = buffer[i];
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return 1;
}

/* How many inputs were tried, or -1. */
static int replay(const char *path)
{
    struct stat info;
    int count = 0;

    if (stat(path, &info) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(info.st_mode))
        return replay_file(path);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL && count >= 0;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        int n = replay(name);
        count = n < 0 ? -1 : count + n;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);
        if (n < 0)
            return 1;
        total += n;
    }
    (void)printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
