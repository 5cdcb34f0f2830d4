#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every fixture, unpacked and packed again, is the same text; so are awkward contents. TAP on stdout."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import tree_pack  # noqa: E402


def body(text):
    """Without comments and empty lines, which an archive may have anywhere."""
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def round_trip(text):
    with tempfile.TemporaryDirectory() as root:
        tree_pack.unpack(text, root)
        return "".join(tree_pack.pack(root))


def archives(folder):
    for path, _, names in os.walk(folder):
        yield from (os.path.join(path, name) for name in sorted(names) if name.endswith(".tree"))


def check_awkward():
    content = b"a\\b\n\x00\xff\n\n#no comment\n|bar\ngr\xc3\xbc\xc3\x9f\ttab\r\nend"
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "name with blank"), "wb") as file:
            file.write(content)
        text = "".join(tree_pack.pack(root))
    with tempfile.TemporaryDirectory() as root:
        tree_pack.unpack(text, root)
        with open(os.path.join(root, "name with blank"), "rb") as file:
            return file.read() == content


def refuses(text):
    with tempfile.TemporaryDirectory() as root:
        try:
            tree_pack.unpack(text, root)
        except ValueError:
            return not os.listdir(root)
    return False


def main():
    results = []
    for path in archives(sys.argv[1]):
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            text = file.read()
        # Directories that have no line of their own get one when they are packed.
        missing = set(body(text)) - set(body(round_trip(text)))
        results.append((not missing, os.path.basename(path)))
    results.append((len(results) >= 13, "fixtures were found"))
    results.append((check_awkward(), "awkward content comes back"))
    for text in ("F /etc/x 0644\n", "F ../x 0644\n", "|content\n", "X y\n", "L a\n", "F a zz\n"):
        results.append((refuses(text), "refuses %r" % text))
    print("1..%d" % len(results))
    for number, (ok, name) in enumerate(results, 1):
        print("%s %d - %s" % ("ok" if ok else "not ok", number, name))
    return 0 if all(ok for ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
