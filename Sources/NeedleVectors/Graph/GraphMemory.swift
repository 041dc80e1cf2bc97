// The memory of a graph that grows: the sections of `GraphView` in reserved address space, plus a lock byte
// per row.

import Glibc
import NeedleCore
import Synchronization

/// Sections that never move, sized for a number of rows; memory is used as rows come. Freed with this object.
@unsafe final class GraphMemory: Sendable {
    let rowCapacity: Int
    let upperCapacity: Int
    let layout: NodeLayout
    private let regions: [ReservedMemory]
    // SAFETY: these point into `regions`, which live as long as this object. Zeroed memory is a valid Atomic
    // of zero.
    nonisolated(unsafe) let levels: UnsafeMutablePointer<Atomic<UInt8>>
    nonisolated(unsafe) let nodes: UnsafeMutableRawPointer
    nonisolated(unsafe) let upperOffsets: UnsafeMutablePointer<Atomic<UInt32>>
    nonisolated(unsafe) let upperLinks: UnsafeMutablePointer<Atomic<UInt32>>
    nonisolated(unsafe) private let locks: UnsafeMutablePointer<Atomic<UInt8>>

    /// - Throws: `memory_budget` when there is no address space left.
    init(rowCapacity: Int, layout: NodeLayout, upperRecords: Int = 0) throws(DatabaseError) {
        self.rowCapacity = rowCapacity
        self.layout = layout
        let m = layout.m
        // The expected number of upper records is rows / (m - 1); a row that finds no room stays at level 0.
        upperCapacity = upperRecords + rowCapacity / (m - 1) * 5 / 4 + 1024
        let sizes = [
            rowCapacity, rowCapacity * layout.stride, rowCapacity * 4, upperCapacity * (1 + m) * 4,
            rowCapacity,
        ]
        var regions: [ReservedMemory] = []
        for size in sizes { regions.append(try ReservedMemory(byteCount: size)) }
        self.regions = regions
        func bound<Value: ~Copyable>(_ i: Int, _ type: Value.Type) -> UnsafeMutablePointer<Value> {
            regions[i].base.bindMemory(to: type, capacity: sizes[i] / MemoryLayout<Value>.stride)
        }
        levels = bound(0, Atomic<UInt8>.self)
        nodes = regions[1].base
        upperOffsets = bound(2, Atomic<UInt32>.self)
        upperLinks = bound(3, Atomic<UInt32>.self)
        locks = bound(4, Atomic<UInt8>.self)
    }

    /// Large pages for the nodes, which a search meets all over; see `ReservedMemory.adviseLargePages`.
    func adviseLargePages() {
        regions[1].adviseLargePages()
    }

    /// Takes over the sections of a graph that nobody is changing. - Returns: how many rows are in it.
    func copy(_ graph: GraphView) -> Int {
        let sections = graph.sections
        memcpy(levels, graph.levels, sections.levels.count)
        memcpy(nodes, graph.nodes, sections.nodes.count)
        memcpy(upperOffsets, graph.upperOffsets, sections.upperOffsets.count)
        memcpy(upperLinks, graph.upperLinks, sections.upperLinks.count)
        return (0..<graph.header.rowCount).count { graph.contains($0) }
    }

    /// The record of a row: its codes first.
    @inline(__always)
    func node(_ row: UInt32) -> UnsafeMutableRawPointer { nodes + Int(row) &* layout.stride }

    /// The list of a row; the row has that level.
    @inline(__always)
    func record(_ row: UInt32, level: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        if level == 0 {
            return (node(row) + layout.linksOffset).assumingMemoryBound(to: Atomic<UInt32>.self)
        }
        let first = Int(upperOffsets[Int(row)].load(ordering: .relaxed))
        return upperLinks + (first + level - 1) * layout.upperStride
    }

    /// Only one thread at a time changes a row's lists. Held for microseconds, and never two at once by one
    /// thread.
    @inline(__always)
    func lock(_ row: UInt32) {
        var spins = 0
        while !locks[Int(row)].compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
            spins += 1
            if spins % 64 == 0 { sched_yield() }
        }
    }

    @inline(__always)
    func unlock(_ row: UInt32) {
        locks[Int(row)].store(0, ordering: .releasing)
    }
}
