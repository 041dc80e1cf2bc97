import NeedleCore

// An order of conditions: the same conditions in another order become the same filter.

extension Condition {
    /// Bytes that are equal for equal conditions, and different for others.
    var orderKey: [UInt8] {
        var writer = OrderKeyWriter()
        writer.append(self)
        return writer.bytes
    }
}

/// Writes conditions as bytes, each part with its length or number of parts in front.
private struct OrderKeyWriter {
    private var writer = ByteWriter()

    var bytes: [UInt8] { writer.bytes }

    mutating func append(_ condition: Condition) {
        switch condition {
        case .matchAny(let path, let values):
            append(1, path)
            append(values)
        case .matchExcept(let path, let values):
            append(2, path)
            append(values)
        case .range(let path, let range):
            append(3, path)
            append(range)
        case .words(let path, let test):
            append(4, path)
            append(Array(test.kind.rawValue.utf8))
            append(test.text)
        case .geo(let path, let shape):
            append(5, path)
            append(shape)
        case .valuesCount(let path, let range):
            append(6, path)
            append(range)
        case .isNull(let path): append(7, path)
        case .isEmpty(let path): append(8, path)
        case .hasID(let ids):
            writer.append(UInt8(9))
            writer.append(UInt32(ids.count))
            for id in ids.sorted() { append(id) }
        case .nested(let path, let inner):
            append(10, path)
            append(inner)
        case .filter(let inner):
            writer.append(UInt8(11))
            append(inner)
        }
    }

    private mutating func append(_ filter: Filter) {
        let minimum = filter.minimumShould
        for part in [filter.must, filter.should, filter.mustNot, minimum?.conditions ?? []] {
            writer.append(UInt32(part.count))
            for condition in part { append(condition) }
        }
        writer.append(UInt64(minimum.map { UInt64($0.minimumCount) + 1 } ?? 0))
    }

    private mutating func append(_ kind: UInt8, _ path: FieldPath) {
        writer.append(kind)
        writer.append(UInt32(path.segments.count))
        for segment in path.segments {
            append(segment.key)
            writer.append(UInt32(segment.arrayDepth))
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        writer.append(UInt32(bytes.count))
        writer.append(bytes: bytes)
    }

    private mutating func append(_ values: [MatchValue]) {
        writer.append(UInt32(values.count))
        for value in values { append(value.indexKey) }
    }

    private mutating func append(_ id: PointID) {
        switch id {
        case .integer(let value):
            writer.append(UInt8(0))
            writer.append(value)
        case .string(let bytes):
            writer.append(UInt8(1))
            append(bytes)
        }
    }

    private mutating func append(_ range: RangeTest) {
        writer.append(UInt8(range.kind == .number ? 0 : 1))
        for bound in [range.lower, range.upper] {
            writer.append(UInt8(bound.map { $0.isInclusive ? 2 : 1 } ?? 0))
            if let bound { append(MatchValue.number(bound.value).indexKey) }
        }
    }

    private mutating func append(_ shape: GeoShape) {
        switch shape {
        case .radius(let center, let metres):
            writer.append(UInt8(0))
            append([center])
            writer.append(metres.bitPattern)
        case .box(let topLeft, let bottomRight):
            writer.append(UInt8(1))
            append([topLeft, bottomRight])
        case .polygon(let exterior, let interiors):
            writer.append(UInt8(2))
            for ring in [exterior] + interiors { append(ring.vertices) }
        }
    }

    private mutating func append(_ places: [GeoPoint]) {
        writer.append(UInt32(places.count))
        for place in places {
            writer.append(place.latitude.bitPattern)
            writer.append(place.longitude.bitPattern)
        }
    }
}
