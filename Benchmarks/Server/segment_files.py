"""What lies where in a data directory's segment files, and how much of it is resident in a process.

Reads the directories of the files as docs/format/segment.md says, and residency from /proc/PID/pagemap (root).
"""

import collections
import glob
import os
import struct

PAGE = os.sysconf("SC_PAGE_SIZE")


def purpose(kind):
    """Groups section kinds by what they are for."""
    if 1 <= kind <= 4:
        return "ids"
    if kind in (16, 17, 18):
        return "originals"
    if 32 <= kind < 48:
        return "graph"
    if 48 <= kind < 64:
        return "codes"
    return "other"


def sections(path):
    """(purpose, offset, bytes) of each section of a segment file."""
    with open(path, "rb") as file:
        header = file.read(4096)
        assert header[:5] == b"NTSEG", path
        count = struct.unpack_from("<I", header, 72)[0]
        file.seek(struct.unpack_from("<Q", header, 80)[0])
        directory = file.read(64 * count)
    for entry in range(count):
        kind, _, offset, size = struct.unpack_from("<IIQQ", directory, 64 * entry)
        yield purpose(kind), offset, size


def segments(data):
    return sorted(glob.glob(os.path.join(data, "**", "*.segment"), recursive=True))


def stored(data):
    """Bytes of all segments by purpose, deleted rows included."""
    totals = collections.Counter()
    for path in segments(data):
        for name, _, size in sections(path):
            totals[name] += size
    return totals


def resident(process, data):
    """Bytes of the segments' sections that lie in pages which the process has mapped in, by purpose."""
    totals = collections.Counter()
    places = {os.path.realpath(path): list(sections(path)) for path in segments(data)}
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/pagemap", "rb", buffering=0) as pages:
        for line in maps:
            fields = line.split(maxsplit=5)
            found = places.get(fields[5].strip()) if len(fields) == 6 else None
            if not found:
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            first = int(fields[2], 16)
            pages.seek(start // PAGE * 8)
            entries = pages.read((end - start) // PAGE * 8)
            present = bytes(entries[7::8])
            for name, offset, size in found:
                low = max(offset, first) - first
                high = min(offset + size, first + end - start) - first
                if high <= low:
                    continue
                run = present[low // PAGE:(high + PAGE - 1) // PAGE]
                totals[name] += min(sum(byte >> 7 for byte in run) * PAGE, high - low)
    return totals


def anonymous(process):
    """RssAnon in bytes."""
    with open(f"/proc/{process}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise SystemExit("no RssAnon in /proc/PID/status")


def drop_cache(data):
    """Asks the kernel to forget the pages of all files below, so that whoever reads them next is charged for them."""
    for root, _, names in os.walk(data):
        for name in names:
            descriptor = os.open(os.path.join(root, name), os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
