// How much memory this process may use: the machine's, or less when a control group limits it.

import Glibc

package enum MachineMemory {
    /// Bytes; read once.
    package static let bytes = min(physicalBytes, limit(reading: contents))

    private static var physicalBytes: Int {
        max(0, Int(sysconf(Int32(_SC_PHYS_PAGES)))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The least limit of the process's own control group and of those above it (version 2: `memory.max`, version 1:
    /// `memory.limit_in_bytes`); `Int.max` where there is none. In a container the group's path may not be visible from
    /// inside; the root of the mount then is the container's group.
    ///
    /// - Parameter file: the contents of a file, `nil` when it cannot be read.
    package static func limit(reading file: (String) -> String?) -> Int {
        var least = Int.max
        for line in (file("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let name = isUnified ? "memory.max" : "memory.limit_in_bytes"
            var group = fields[2].split(separator: "/")
            while true {
                let path = ([root] + group.map(String.init) + [name]).joined(separator: "/")
                // "max" is no number: no limit.
                let number = file(path)?.split(whereSeparator: \.isWhitespace).first
                if let limit = number.flatMap({ Int($0) }) { least = min(least, limit) }
                if group.popLast() == nil { break }
            }
        }
        return least
    }

    private static func contents(_ path: String) -> String? { try? TextFile.contents(of: path) }
}
