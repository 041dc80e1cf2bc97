// Aligned float memory for BLAS: weights that never change, scratch that one thread owns at a time.

/// `count` floats at a 64-byte boundary, zeroed at first.
final class FloatBuffer: @unchecked Sendable {
    // SAFETY: a buffer is either written by one thread that holds it alone (scratch; weights while they are
    // loaded) or read only (weights afterwards). The memory lives exactly as long as the object.
    let start: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        precondition(count >= 0)
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16) * 4, alignment: 64)
        start = raw.bindMemory(to: Float.self, capacity: max(count, 16))
        start.initialize(repeating: 0, count: max(count, 16))
    }

    convenience init(_ values: [Float]) {
        self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { start.update(from: base, count: source.count) }
        }
    }

    deinit {
        UnsafeMutableRawPointer(start).deallocate()
    }
}
