import NeedleCore
import NeedlePayloads

/// A field index that somebody created.
struct FieldIndexRecord: Hashable, Sendable {
    var definition: FieldIndexDefinition
    /// The write that created it, which names its files.
    var lsn: LSN
    /// The write that dropped it, kept until a checkpoint is behind it.
    var droppedAt: LSN?
}

/// What a write does to the indexes.
enum FieldIndexChange: Hashable, Sendable {
    case create(FieldIndexDefinition)
    case drop(FieldPath)
}

/// The field indexes of a collection, as the log says. Part of the writer's state: a value type.
struct FieldIndexCatalogue: Hashable, Sendable {
    private var records: [FieldIndexRecord] { didSet { analyses = Self.analyses(of: records) } }
    /// How the texts at keys with a text index are taken apart, by conditions on words too. Kept, since every read asks.
    private(set) var analyses: [FieldPath: TextAnalysis]

    /// More would make every write and merge pay for them.
    static let limit = 64

    init(_ records: [FieldIndexRecord] = []) {
        self.records = records
        analyses = Self.analyses(of: records)
    }

    private static func analyses(of records: [FieldIndexRecord]) -> [FieldPath: TextAnalysis] {
        var result: [FieldPath: TextAnalysis] = [:]
        for record in records where record.droppedAt == nil && record.definition.type == .text {
            result[record.definition.path] = TextAnalysis(record.definition.text)
        }
        return result
    }

    /// Those that are there, in the order of their creation.
    var current: [FieldIndexRecord] { records.filter { $0.droppedAt == nil } }

    func current(_ path: FieldPath) -> FieldIndexRecord? {
        records.first { $0.droppedAt == nil && $0.definition.path == path }
    }

    /// Conditions of a filter that is expected to be answered quickly, at most.
    private static let quickConditions = 16
    private static let quickIDs = 64

    /// Whether indexes answer every condition of a filter without going through more than the rows they find. Values of
    /// other types, and rows that are not indexed yet, are looked at all the same.
    func answer(_ filter: Filter) -> Bool {
        var left = Self.quickConditions
        return answer(filter, &left)
    }

    private func answer(_ filter: Filter, _ left: inout Int) -> Bool {
        for part in [filter.must, filter.should, filter.mustNot, filter.minimumShould?.conditions ?? []] {
            left -= part.count
            guard left >= 0 else { return false }
            for condition in part where !answer(condition, &left) { return false }
        }
        return true
    }

    private func answer(_ condition: Condition, _ left: inout Int) -> Bool {
        switch condition {
        case .filter(let inner): answer(inner, &left)
        case .hasID(let ids): ids.count <= Self.quickIDs
        case .matchAny(let path, let values), .matchExcept(let path, let values):
            values.count <= Self.quickIDs && isNumberOrKeyword(current(path))
        case .range(let path, _), .valuesCount(let path, _), .isNull(let path), .isEmpty(let path):
            isNumberOrKeyword(current(path))
        // Candidates of a phrase, and places within the boxes of a shape, are looked at one by one.
        case .words, .geo, .nested: false
        }
    }

    private func isNumberOrKeyword(_ record: FieldIndexRecord?) -> Bool {
        switch record?.definition.type {
        case .keyword, .integer, .float, .bool: true
        case .datetime, .geo, .text, nil: false
        }
    }

    /// Those that were there after a write, for a checkpoint: the log behind it says the rest.
    func records(at lsn: LSN) -> [FieldIndexRecord] {
        records.filter { record in record.lsn <= lsn && record.droppedAt.map { $0 > lsn } ?? true }
            .map { FieldIndexRecord(definition: $0.definition, lsn: $0.lsn) }
    }

    /// Forgets what was dropped at or before a checkpoint.
    mutating func forget(upTo lsn: LSN) {
        records.removeAll { $0.droppedAt.map { $0 <= lsn } ?? false }
    }

    /// Applies a logged change; one that is there already makes no difference.
    mutating func apply(_ change: FieldIndexChange, at lsn: LSN) {
        switch change {
        case .create(let definition):
            guard !records.contains(where: { $0.lsn == lsn }) else { return }
            records.append(FieldIndexRecord(definition: definition, lsn: lsn))
        case .drop(let path):
            for index in records.indices
            where records[index].droppedAt == nil && records[index].definition.path == path {
                records[index].droppedAt = lsn
            }
        }
    }
}
