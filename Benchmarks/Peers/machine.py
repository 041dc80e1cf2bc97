"""What a measurement ran on, for the table."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

INTERESTING = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp")


def load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def describe() -> dict[str, str]:
    processor: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        processor.setdefault(key.strip(), value.strip())
    flags = processor.get("flags", processor.get("Features", "")).split()
    memory = Path("/proc/meminfo").read_text().split()[1]
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    caches = [
        f"L{(cache / 'level').read_text().strip()} {(cache / 'size').read_text().strip()}"
        for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
        if (cache / "type").read_text().strip() != "Instruction"
    ]
    return {
        "processor": processor.get("model name", platform.machine()),
        "instructions": " ".join(flag for flag in INTERESTING if flag in flags),
        "cores": str(os.cpu_count()),
        "caches": ", ".join(caches),
        "memory": f"{int(memory) / 1024 / 1024:.1f} GiB",
        "kernel": platform.release(),
        "huge pages": huge.read_text().strip() if huge.exists() else "unknown",
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
