"""A memory cgroup of our own for a measured process: version 1 or 2, made below the one that we are in."""

import os


class Unavailable(Exception):
    pass


class MemoryCgroup:
    """Use with `with`. `parent` is a directory in which a cgroup may be made; None looks for our own."""

    def __init__(self, limit=None, parent=None):
        parent = parent or self.own()
        self.path = os.path.join(parent, f"needletail-bench-{os.getpid()}")
        try:
            os.mkdir(self.path)
        except OSError as error:
            raise Unavailable(f"no memory cgroup can be made: {error}") from error
        self.version = 2 if os.path.exists(os.path.join(self.path, "cgroup.controllers")) else 1
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        if not os.path.exists(os.path.join(self.path, name)):
            os.rmdir(self.path)
            raise Unavailable(f"{parent} has no memory controller; name another directory with --cgroup")
        if limit is not None:
            self.write(name, str(limit))

    @staticmethod
    def own():
        for line in open("/proc/self/cgroup"):
            _, controllers, path = line.strip().split(":", 2)
            if "memory" in controllers.split(","):
                return "/sys/fs/cgroup/memory" + path
        for line in open("/proc/self/cgroup"):
            if line.startswith("0::"):
                return "/sys/fs/cgroup" + line.strip()[3:]
        raise Unavailable("this process is in no cgroup")

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w") as file:
            file.write(text)

    def enter(self):
        """Moves the calling process in: for a child between fork and exec."""
        self.write("cgroup.procs", str(os.getpid()))

    def used(self):
        """Bytes charged now, page cache included."""
        name = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        return int(open(os.path.join(self.path, name)).read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.rmdir(self.path)
