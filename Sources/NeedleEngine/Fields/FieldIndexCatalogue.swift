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
