/* SPDX-License-Identifier: MIT */
/*
 * What each part of a program costs, by libecocode. ISO C99 and POSIX.
 *
 *     cc -std=c99 -o parts examples/library.c $(pkg-config --cflags --libs ecocode)
 *     ./parts
 *
 * A part is what happens between two ticks: its energy is in the frame that the second tick makes. The sums
 * at the end cover everything, and say how well they are known.
 */
#define _POSIX_C_SOURCE 200809L

#include <ecocode/ecocode.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two ways to sum a matrix of 32 MB: along its rows, and along its columns. */
#define SIDE 2048u

static double sum_rows(const double *matrix)
{
    double sum = 0;
    for (size_t row = 0; row < SIDE; row++)
        for (size_t column = 0; column < SIDE; column++)
            sum += matrix[row * SIDE + column];
    return sum;
}

static double sum_columns(const double *matrix)
{
    double sum = 0;
    for (size_t column = 0; column < SIDE; column++)
        for (size_t row = 0; row < SIDE; row++)
            sum += matrix[row * SIDE + column];
    return sum;
}

/* Ends the present interval and prints what it held. Not known is NaN, which is never printed as a number. */
static int tell_part(struct eco_meter *meter, struct eco_reader *reader, const char *name)
{
    struct eco_frame *frame;
    struct eco_frame_info info = {.size = sizeof info};
    int r = eco_meter_tick(meter);
    if (r == 0)
        r = eco_reader_next(reader, 0, &frame);
    if (r < 0)
        return r;
    r = eco_frame_get(frame, &info);
    eco_frame_unref(frame);
    if (r < 0)
        return r;
    printf("%-12s %8.3f s of CPU", name, info.job_cpu_s);
    if (!isnan(info.job_active_j))
        printf(" %10.3f J", info.job_active_j);
    if (!isnan(info.job_full_j))
        printf(" %10.3f J with its share of idle power", info.job_full_j);
    printf("\n");
    return 0;
}

static int measure(struct eco_meter *meter, const double *matrix, double *sum)
{
    struct eco_reader *reader = NULL;
    int r = eco_meter_add_root(meter, (int32_t)getpid());
    if (r == 0)
        r = eco_meter_tick(meter); /* the baseline */
    if (r == 0)
        r = eco_meter_reader(meter, &reader);
    for (int i = 0; i < 20; i++)
        *sum += sum_rows(matrix);
    if (r == 0)
        r = tell_part(meter, reader, "by rows");
    for (int i = 0; i < 20; i++)
        *sum += sum_columns(matrix);
    if (r == 0)
        r = tell_part(meter, reader, "by columns");
    eco_reader_free(reader);
    return r;
}

int main(void)
{
    static const char *const qualities[] = {"unknown", "measured", "derived", "estimated"};
    struct eco_meter_options options = {.size = sizeof options};
    struct eco_totals totals = {.size = sizeof totals};
    struct eco_meter *meter;
    char why[256];
    double sum = 0;
    double *matrix = calloc((size_t)SIDE * SIDE, sizeof *matrix);
    int r = eco_meter_open(&options, &meter, why, sizeof why);
    if (r < 0 || !matrix) {
        fprintf(stderr, "cannot measure: %s\n", r < 0 ? why : "no memory");
        free(matrix);
        return 1;
    }
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        matrix[i] = (double)(i % 7);
    r = measure(meter, matrix, &sum);
    if (r == 0)
        r = eco_meter_totals(meter, &totals);
    eco_meter_free(meter);
    free(matrix);
    if (r < 0) {
        fprintf(stderr, "cannot measure: %s\n", strerror(-r));
        return 1;
    }
    printf("the sum is %g\n", sum);
    if (isnan(totals.job_j))
        printf("the energy is not known\n");
    else
        printf("together     %8.3f J, %s, 95 %% between %.3f and %.3f J\n", totals.job_j,
               qualities[totals.quality], totals.job_low_j, totals.job_high_j);
    return 0;
}
