#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small client of NVML, in declarations of its own: what the tests of the double ask with.

usage: nvml_client.py CODE      runs CODE with `nv` (see Nvml) and out(x), which prints x as JSON
"""
import ctypes
import json
import sys
import time
from ctypes import c_uint32, c_uint64

U32, U64 = c_uint32, c_uint64


class ProcessInfo(ctypes.Structure):
    _fields_ = [("pid", U32), ("memory", U64), ("gi", U32), ("ci", U32)]


class Util(ctypes.Structure):
    _fields_ = [("pid", U32), ("stamp_us", U64), ("sm", U32), ("mem", U32), ("enc", U32), ("dec", U32)]


class UtilInfo(ctypes.Structure):
    _fields_ = [("stamp_us", U64), ("pid", U32), ("sm", U32), ("mem", U32), ("enc", U32), ("dec", U32), ("jpg", U32),
                ("ofa", U32)]


class UtilInfos(ctypes.Structure):
    _fields_ = [("version", U32), ("count", U32), ("last_seen_us", U64), ("rows", ctypes.POINTER(UtilInfo))]


class Field(ctypes.Structure):
    _fields_ = [("id", U32), ("scope", U32), ("stamp_us", ctypes.c_int64), ("latency_us", ctypes.c_int64),
                ("type", U32), ("code", ctypes.c_int32), ("value", U64)]


class Sample(ctypes.Structure):
    _fields_ = [("stamp_us", U64), ("value", U64)]


def row(structure):
    return {name: getattr(structure, name) for name, _ in structure._fields_}


class Nvml:
    """Every method returns [code] or [code, value]; handles are opened by open()."""

    def __init__(self):
        self.lib = ctypes.CDLL("libnvidia-ml.so.1")
        self.device = {}

    def has(self, name):
        return hasattr(self.lib, name)

    def call(self, name, *arguments):
        return getattr(self.lib, name)(*arguments)

    def open(self, index=0):
        handle = ctypes.c_void_p()
        code = self.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle))
        self.device[index] = handle
        return code

    def begin(self, *indices):
        code = self.call("nvmlInit_v2")
        return [code, *(self.open(i) for i in indices)]

    def u32(self, name, index=0, *between):
        value = U32(0xAAAAAAAA)
        code = self.call(name, self.device[index], *between, ctypes.byref(value))
        return [code, value.value]

    def u64(self, name, index=0):
        value = U64(0xAAAAAAAAAAAAAAAA)
        code = self.call(name, self.device[index], ctypes.byref(value))
        return [code, value.value]

    def energy(self, index=0):
        return self.u64("nvmlDeviceGetTotalEnergyConsumption", index)

    def fields(self, index, *wanted):
        """wanted: ids, or (id, scope)."""
        fields = (Field * len(wanted))()
        for field, want in zip(fields, wanted):
            field.id, field.scope = want if isinstance(want, tuple) else (want, 0)
        code = self.call("nvmlDeviceGetFieldValues", self.device[index], len(wanted), fields)
        return [code, [row(f) for f in fields]]

    def count(self, name="nvmlDeviceGetComputeRunningProcesses_v3", index=0):
        return self.u32_with(name, index, None, 0)

    def u32_with(self, name, index, buffer, size):
        count = U32(size)
        code = self.call(name, self.device[index], ctypes.byref(count), buffer)
        return [code, count.value]

    def list(self, index=0, size=16, name="nvmlDeviceGetComputeRunningProcesses_v3"):
        """Rows as a header with 24 bytes a row reads them, from a buffer that is filled with 0xA5."""
        rows = (ProcessInfo * (2 * size + 2))()
        ctypes.memset(rows, 0xA5, ctypes.sizeof(rows))
        code, count = self.u32_with(name, index, rows, size)
        return [code, count, [row(r) for r in rows[:count]] if code == 0 else []]

    def raw_list(self, index=0, size=16, name="nvmlDeviceGetComputeRunningProcesses_v3"):
        """The bytes that the driver wrote, in hexadecimal."""
        buffer = (ctypes.c_uint8 * (size * 64))()
        ctypes.memset(buffer, 0xA5, ctypes.sizeof(buffer))
        code, count = self.u32_with(name, index, buffer, size)
        return [code, count, bytes(buffer).hex()]

    def util(self, last_seen_us=0, index=0, size=64):
        rows, count = (Util * size)(), U32(size)
        code = self.call("nvmlDeviceGetProcessUtilization", self.device[index], rows, ctypes.byref(count),
                         U64(last_seen_us))
        return [code, [row(r) for r in rows[:count.value]] if code == 0 else []]

    def util_info(self, last_seen_us=0, index=0, size=64, version=0x1000018):
        rows = (UtilInfo * size)()
        infos = UtilInfos(version, size, last_seen_us, rows)
        code = self.call("nvmlDeviceGetProcessesUtilizationInfo", self.device[index], ctypes.byref(infos))
        return [code, [row(r) for r in rows[:infos.count]] if code == 0 else []]

    def samples(self, kind=0, last_seen_us=0, index=0, size=256):
        rows, count, value_type = (Sample * size)(), U32(size), U32()
        code = self.call("nvmlDeviceGetSamples", self.device[index], kind, U64(last_seen_us), ctypes.byref(value_type),
                         ctypes.byref(count), rows)
        return [code, [row(r) for r in rows[:count.value]] if code == 0 else []]

    def mig(self, index, instance, name):
        """Handle of a MIG instance, kept as device `name`."""
        handle = ctypes.c_void_p()
        code = self.call("nvmlDeviceGetMigDeviceHandleByIndex", self.device[index], instance, ctypes.byref(handle))
        self.device[name] = handle
        return code


def out(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    exec(sys.argv[1], {"nv": Nvml(), "out": out, "time": time, "ctypes": ctypes})  # pylint: disable=exec-used
