#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs a directory into a .tree text archive (format: tests/support/tree.h), and unpacks one.

usage: tree_pack.py DIRECTORY [FILE.tree]        pack, to standard output without FILE
       tree_pack.py --unpack FILE.tree DIRECTORY
"""
import argparse
import os
import stat
import sys

HEAD = "# A directory as text; format: tests/support/tree.h\n"


def escape(data):
    """Content bytes as text: printable ASCII and valid UTF-8 as they are, the rest as \\xNN."""
    out = []
    for char in data.decode("utf-8", "surrogateescape"):
        code = ord(char)
        if char == "\\":
            out.append("\\\\")
        elif 0xDC80 <= code <= 0xDCFF:
            out.append("\\x%02x" % (code - 0xDC00))
        elif code < 32 and char != "\t" or 127 <= code < 160 or code in (0x2028, 0x2029):
            out.extend("\\x%02x" % byte for byte in char.encode())
        else:
            out.append(char)
    return "".join(out)


def unescape(text, where):
    """The bytes that `text`, a str of surrogate-escaped UTF-8, stands for."""
    data, out, i = text.encode("utf-8", "surrogateescape"), bytearray(), 0
    while i < len(data):
        if data[i] != 0x5C:
            out.append(data[i])
            i += 1
        elif data[i + 1 : i + 2] == b"\\":
            out.append(0x5C)
            i += 2
        elif data[i + 1 : i + 2] == b"x" and len(data) >= i + 4:
            out.append(int(data[i + 2 : i + 4], 16))
            i += 4
        else:
            raise ValueError("%s: bad escape" % where)
    return bytes(out)


def check_path(path):
    if "\n" in path or " -> " in path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("path cannot be archived: %r" % path)
    return path


def pack(root):
    """Lines of the archive, sorted by path, so that the same directory gives the same text."""
    entries = []
    for folder, names, files in os.walk(root):
        for name in names + files:
            full = os.path.join(folder, name)
            entries.append((os.path.relpath(full, root), full))
    yield HEAD
    for path, full in sorted(entries, key=lambda entry: entry[0].split("/")):
        check_path(path)
        info = os.lstat(full)
        mode = stat.S_IMODE(info.st_mode)
        if stat.S_ISLNK(info.st_mode):
            yield "L %s -> %s\n" % (path, os.readlink(full))
        elif stat.S_ISDIR(info.st_mode):
            yield "D %s %04o\n" % (path, mode)
        elif stat.S_ISREG(info.st_mode):
            yield "F %s %04o\n" % (path, mode)
            with open(full, "rb") as file:
                lines = file.read().split(b"\n")
            for line in lines[:-1]:
                yield "|%s\n" % escape(line)
            if lines[-1]:
                yield "+%s\n" % escape(lines[-1])
        else:
            raise ValueError("neither file, directory nor link: %s" % full)


def parse(text):
    """(kind, path, mode or target, content) for each entry."""
    entry = None
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in ("|", "+"):
            if entry is None or entry[0] != "F":
                raise ValueError("line %d: content without a file" % number)
            entry[3].extend(unescape(line[1:], "line %d" % number) + (b"\n" if line[0] == "|" else b""))
            continue
        if entry:
            yield entry
            entry = None
        if not line or line.startswith("#"):
            continue
        kind, rest = line[:1], line[2:]
        if kind == "L" and " -> " in rest:
            path, target = rest.split(" -> ", 1)
            entry = (kind, check_path(path), target, None)
        elif kind in ("D", "F") and " " in rest:
            path, mode = rest.rsplit(" ", 1)
            entry = (kind, check_path(path), int(mode, 8), bytearray())
        else:
            raise ValueError("line %d: %r" % (number, line))
    if entry:
        yield entry


def unpack(text, root):
    folders = []
    for kind, path, value, content in parse(text):
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if kind == "D":
            os.makedirs(full, exist_ok=True)
            folders.append((full, value))
        elif kind == "L":
            os.symlink(value, full)
        else:
            with open(full, "wb") as file:
                file.write(content)
            os.chmod(full, value)
    # Last and from below: a directory that may not be written to could not have been filled.
    for full, mode in reversed(folders):
        os.chmod(full, mode)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unpack", action="store_true")
    parser.add_argument("source")
    parser.add_argument("target", nargs="?")
    args = parser.parse_args()
    if args.unpack:
        if not args.target:
            parser.error("--unpack needs a directory to unpack into")
        with open(args.source, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            unpack(file.read(), args.target)
        return 0
    text = "".join(pack(args.source))
    if args.target:
        with open(args.target, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
    else:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
