import NeedleServer
import Testing

@Suite struct MachineMemoryTests {
    private func limit(_ files: [String: String]) -> Int {
        MachineMemory.limit { files[$0] }
    }

    @Test func theLeastLimitOnTheWayUpCounts() {
        let files = [
            "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/memory.max": "1000\n",
            "/sys/fs/cgroup/memory.max": "2000\n",
        ]
        #expect(limit(files) == 1000)
    }

    @Test func versionOneIsRead() {
        let files = [
            "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "3000\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        ]
        #expect(limit(files) == 3000)
    }

    @Test func aContainersOwnGroupIsTheRootOfItsMount() {
        let files = [
            "/proc/self/cgroup": "4:memory:/outside\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "7\n",
        ]
        #expect(limit(files) == 7)
    }

    @Test func withoutGroupsThereIsNoLimit() {
        #expect(limit([:]) == .max)
        #expect(limit(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"]) == .max)
        #expect(limit(["/proc/self/cgroup": "garbage\n:::\n0:x\n"]) == .max)
    }

    @Test func thisMachineHasSome() {
        #expect(MachineMemory.bytes > 1 << 20 && MachineMemory.bytes < 1 << 50)
    }
}
