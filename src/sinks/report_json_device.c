/* SPDX-License-Identifier: MIT */
/* What is told of a graphics card beside its energy. */
#include "base/json.h"
#include "sinks/report_json.h"

static void put_text(struct eco_json *json, const char *key, const char *text)
{
    eco_json_kstring(json, key, *text ? text : NULL);
}

static void put_bytes(struct eco_json *json, const char *key, uint64_t bytes)
{
    if (bytes > 0)
        eco_json_ku64(json, key, bytes);
    else
        eco_json_knull(json, key);
}

void eco_report_json_device(struct eco_json *json, const struct eco_report_device *device)
{
    static const char *const vendors[] = {NULL, "nvidia", "amd", "intel"};
    const struct eco_gpu_device *what = device->device;
    if (!device->is_there) {
        eco_json_knull(json, "device");
        return;
    }
    eco_json_key(json, "device");
    eco_json_open(json, '{');
    eco_json_kstring(json, "vendor",
                     (size_t)what->vendor < ECO_COUNT(vendors) ? vendors[what->vendor] : NULL);
    put_text(json, "name", what->name);
    put_text(json, "uuid", what->uuid);
    put_text(json, "pci", what->pci);
    put_bytes(json, "memory_bytes", what->memory_bytes);
    put_text(json, "driver", what->driver);
    eco_json_kdouble(json, "utilization_mean_ratio", device->utilization_mean_ratio);
    eco_json_kdouble(json, "power_max_w", device->power_max_w);
    eco_json_kdouble(json, "power_limit_w", device->power_limit_w);
    put_bytes(json, "memory_peak_bytes", device->memory_peak_bytes);
    eco_json_kdouble(json, "temperature_max_celsius", device->temperature_max_c);
    eco_json_kdouble(json, "throttled_s", device->throttled_s);
    eco_json_kstring(json, "divided_by", device->is_split ? "slices" : device->is_fitted ? "watts" : "time");
    eco_json_close(json, '}');
}
