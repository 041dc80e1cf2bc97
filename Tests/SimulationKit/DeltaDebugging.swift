/// Finds a small part of a list that still fails (ddmin; Zeller and Hildebrandt, "Simplifying and isolating
/// failure-inducing input", 2002): no single element of the result can be left out.
///
/// - Parameters:
///   - budget: at most this many trials; the best list found so far is the result then.
///   - fails: whether a list fails. Called about n · log n times when few elements matter, n² at worst.
package func simplified<Element>(
    _ list: [Element], budget: Int = 2_000, fails: ([Element]) -> Bool
) -> [Element] {
    var current = list
    var parts = 2
    var trials = 0
    while current.count >= 2, trials < budget {
        let size = (current.count + parts - 1) / parts
        var isReduced = false
        for start in stride(from: 0, to: current.count, by: size) {
            let without = Array(current[..<start] + current[min(start + size, current.count)...])
            trials += 1
            guard !without.isEmpty, fails(without) else { continue }
            current = without
            parts = max(parts - 1, 2)
            isReduced = true
            break
        }
        if !isReduced {
            if size == 1 { break }
            parts = min(parts * 2, current.count)
        }
    }
    return current
}
