import NeedleCore

/// Which points a write is about: exactly one of `ids`, `filter` and `all`.
struct ChoiceParams {
    private var choice: PointChoice?

    /// Reads the value of `key` if it is one of the three.
    ///
    /// - Returns: whether it is.
    mutating func take(
        _ key: borrowing JSONText, from reader: inout JSONReader, _ limits: Limits
    ) throws -> Bool {
        let offset = key.offset
        let found: PointChoice?
        if key.equals("ids") {
            found = try reader.optional { .ids(try $0.pointIDs(limits)) }
        } else if key.equals("filter") {
            found = try reader.optional { .filter(try $0.restrictingFilter(limits)) }
        } else if key.equals("all") {
            found = try reader.optional { try $0.readTrue() }.map { .all }
        } else {
            return false
        }
        guard let found else { return true }
        guard choice == nil else {
            throw Refusal(message: "exactly one of \"ids\", \"filter\" and \"all\"", offset: offset)
        }
        choice = found
        return true
    }

    /// - Parameter object: where the params begin.
    func required(in object: Int) throws -> PointChoice {
        guard let choice else {
            throw Refusal(message: "one of \"ids\", \"filter\" and \"all\" is missing", offset: object)
        }
        return choice
    }
}

extension JSONReader {
    /// `true` and nothing else.
    fileprivate mutating func readTrue() throws {
        _ = try peekKind()
        let start = offset
        guard try readBool() else {
            throw Refusal(message: "\"all\" is true or absent", offset: start, expected: "true", got: "false")
        }
    }

    /// A filter that must not match everything by having no condition.
    fileprivate mutating func restrictingFilter(_ limits: Limits) throws -> Filter {
        _ = try peekKind()
        let start = offset
        let filter = try filter(limits)
        guard !filter.holdsNoCondition else {
            throw Refusal(
                message:
                    "the filter holds no condition and would choose every point; say \"all\":true for that",
                offset: start)
        }
        return filter
    }
}
