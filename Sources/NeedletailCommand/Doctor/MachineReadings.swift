// What a machine says of itself that a server depends on. Values only: `MachineProbe` reads them, `Diagnosis` judges them.

/// Readings; `nil` where the machine does not say.
package struct MachineReadings: Sendable {
    /// Where the data lies, or will lie.
    package struct Disk: Sendable {
        package var path: String
        /// The nearest folder that is there: the path itself, or one above it.
        package var existing: String
        package var isWritable: Bool
        /// As mount tables name it: `ext4`; `nil` when they do not tell.
        package var fileSystem: String?
        package var freeBytes: Int
        package var totalBytes: Int
        /// Microseconds for writing 4 KiB and syncing them: the median of some times.
        package var syncMicroseconds: Double?

        package init(
            path: String, existing: String, isWritable: Bool, fileSystem: String?, freeBytes: Int,
            totalBytes: Int,
            syncMicroseconds: Double? = nil
        ) {
            self.path = path
            self.existing = existing
            self.isWritable = isWritable
            self.fileSystem = fileSystem
            self.freeBytes = freeBytes
            self.totalBytes = totalBytes
            self.syncMicroseconds = syncMicroseconds
        }
    }

    /// A server that answered.
    package struct Server: Sendable {
        package var version: String
        package var kernelTier: String?
        /// Collections that are not ready, and why.
        package var unwell: [String]

        package init(version: String, kernelTier: String? = nil, unwell: [String] = []) {
            self.version = version
            self.kernelTier = kernelTier
            self.unwell = unwell
        }
    }

    /// Of the kernel.
    package var release: String?
    /// Names of the processor's instruction sets, as the kernel spells them.
    package var instructions: Set<String>?
    package var memoryBytes: Int?
    /// `vm.overcommit_memory`.
    package var overcommit: Int?
    /// `vm.max_map_count`.
    package var mappings: Int?
    /// Most open files of this process, and of what it starts.
    package var openFiles: Int?
    /// The chosen one of `always`, `madvise`, `never`.
    package var hugePages: String?
    package var clockSource: String?
    /// Seconds since 1970.
    package var now: Int?
    package var disk: Disk?
    package var server: Server?

    package init() {}
}
