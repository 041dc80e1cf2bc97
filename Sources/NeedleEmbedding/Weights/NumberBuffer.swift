// Aligned memory for the kernels: weights that never change, scratch that one thread owns at a time.

/// `count` numbers at a 64-byte boundary, zeroed at first.
final class NumberBuffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>: @unchecked Sendable {
    // SAFETY: a buffer is either written by one thread that holds it alone (scratch; weights while they are
    // loaded) or read only (weights afterwards). Threads that share a pass write parts that do not overlap. The
    // memory lives exactly as long as the object.
    let start: UnsafeMutablePointer<Element>
    let count: Int

    init(count: Int) {
        precondition(count >= 0)
        self.count = count
        let room = max(count, 64)
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: room * MemoryLayout<Element>.stride, alignment: 64)
        start = raw.bindMemory(to: Element.self, capacity: room)
        start.initialize(repeating: 0, count: room)
    }

    convenience init(_ values: [Element]) {
        self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { start.update(from: base, count: source.count) }
        }
    }

    deinit {
        UnsafeMutableRawPointer(start).deallocate()
    }
}

typealias FloatBuffer = NumberBuffer<Float>
