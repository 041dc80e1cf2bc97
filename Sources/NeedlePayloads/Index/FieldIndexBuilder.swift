package import NeedleCore

/// Builds an index over a run of rows, which are added one after the other.
///
/// Deterministic: the same payloads give the same bytes. O(values · log values). Not thread safe.
package struct FieldIndexBuilder {
    private let definition: FieldIndexDefinition
    private let rows: Range<Int>
    private let key: [[UInt8]]
    private var next: Int
    private var nulls: [UInt32] = []
    private var empties: [UInt32] = []
    private var foreign: [UInt32] = []
    private var own: [UInt32] = []
    /// Rows with more than one value, and how many.
    private var counts: [UInt32] = []
    private var values: IndexValues

    package init(_ definition: FieldIndexDefinition, rows: Range<Int>) {
        self.definition = definition
        self.rows = rows
        key = [definition.path.segments[0].key]
        next = rows.lowerBound
        values = IndexValues(definition, firstRow: rows.lowerBound)
    }

    /// Adds the next row.
    ///
    /// - Throws: when the payload is no JSON object.
    package mutating func add(payload: Span<UInt8>) throws(JSONError) {
        precondition(rows.contains(next), "no more rows than announced")
        let row = UInt32(next)
        let fields = try RowFields(decoding: payload, keys: key, id: nil)
        next += 1
        var count = 0
        var isNull = false
        var isOwn = false
        var isForeign = false
        _ = fields.anyNode(at: definition.path) { node in
            switch node {
            case .null: isNull = true
            case .array(let members):
                count += members.count
                for member in members { note(member, row, &isOwn, &isForeign) }
            default:
                count += 1
                note(node, row, &isOwn, &isForeign)
            }
            return false
        }
        values.endRow()
        if isNull { nulls.append(row) }
        if count == 0 { empties.append(row) }
        if count > 1 { counts += [row, UInt32(clamping: count)] }
        if isOwn { own.append(row) }
        if isForeign { foreign.append(row) }
    }

    private mutating func note(
        _ value: JSONValue, _ row: UInt32, _ isOwn: inout Bool, _ isForeign: inout Bool
    ) {
        if values.add(value, row: row) {
            isOwn = true
        } else if value.isScalar {
            isForeign = true
        }
    }

    /// The index as bytes.
    ///
    /// - Throws: `limit_exceeded` when the texts are too long for an index.
    package consuming func finish() throws(DatabaseError) -> [UInt8] {
        precondition(next == rows.upperBound, "every row was added")
        var writer = IndexWriter(parts: FieldIndex.commonParts + values.partCount)
        for list in [nulls, empties, foreign, own] {
            var builder = PointSetBuilder()
            builder.append(rising: list)
            writer.append(builder.finish())
        }
        writer.append(counts)
        try values.write(to: &writer)
        return writer.finish(type: definition.type, rows: rows)
    }
}

/// The values that an index of some type holds, while it is built.
private enum IndexValues {
    case keyword(KeywordValues)
    case number(NumberValues)
    case geo(GeoValues)
    case text(TextValues)

    init(_ definition: FieldIndexDefinition, firstRow: Int) {
        switch definition.type {
        case .keyword: self = .keyword(KeywordValues(onlyBooleans: false))
        case .bool: self = .keyword(KeywordValues(onlyBooleans: true))
        case .integer, .float, .datetime: self = .number(NumberValues(definition.type))
        case .geo: self = .geo(GeoValues())
        case .text: self = .text(TextValues(TextAnalysis(definition.text), firstRow: firstRow))
        }
    }

    var partCount: Int {
        switch self {
        case .keyword: KeywordValues.parts
        case .number: NumberValues.parts
        case .geo: GeoValues.parts
        case .text: TextValues.parts
        }
    }

    /// - Returns: false for a value that the index does not hold.
    mutating func add(_ value: JSONValue, row: UInt32) -> Bool {
        switch self {
        case .keyword(var values):
            self = .geo(GeoValues())
            defer { self = .keyword(values) }
            return values.add(value, row: row)
        case .number(var values):
            self = .geo(GeoValues())
            defer { self = .number(values) }
            return values.add(value, row: row)
        case .geo(var values):
            self = .geo(GeoValues())
            defer { self = .geo(values) }
            return values.add(value, row: row)
        case .text(var values):
            self = .geo(GeoValues())
            defer { self = .text(values) }
            return values.add(value)
        }
    }

    /// Every value of a row was added.
    mutating func endRow() {
        guard case .text(var values) = self else { return }
        self = .geo(GeoValues())
        values.endRow()
        self = .text(values)
    }

    func write(to writer: inout IndexWriter) throws(DatabaseError) {
        switch self {
        case .keyword(let values): values.write(to: &writer)
        case .number(let values): values.write(to: &writer)
        case .geo(let values): values.write(to: &writer)
        case .text(let values): try values.write(to: &writer)
        }
    }
}
