// Parameters of `point.upsert`, `.get`, `.delete`, `.count` and `.scroll`.

package import NeedleCore

/// How vectors are written in an answer.
package enum VectorEncoding: String, Hashable, Sendable, CaseIterable {
    /// An array of the shortest decimals that read back as the same float32.
    case array
    /// A string: standard padded base64 of the little-endian float32 values.
    case base64
}

/// `point.upsert`.
package struct UpsertPoints: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`.
    package var points: [PointWrite]
    /// Refuse the batch when one of the points exists.
    package var ifAbsent: Bool
    /// Model name or fingerprint the client believes in; checked.
    package var model: String?
    /// At most 64 bytes; a repeat within `op_key_ms` answers the first result.
    package var opKey: String?

    package init(
        collection: String, points: [PointWrite], ifAbsent: Bool = false, model: String? = nil,
        opKey: String? = nil
    ) {
        self.collection = collection
        self.points = points
        self.ifAbsent = ifAbsent
        self.model = model
        self.opKey = opKey
    }
}

/// `point.get`.
package struct GetPoints: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`; may repeat.
    package var ids: [PointID]
    package var selection: PointSelection
    package var vectorEncoding: VectorEncoding
    package var minimumLSN: LSN?

    package init(
        collection: String, ids: [PointID], selection: PointSelection = PointSelection(),
        vectorEncoding: VectorEncoding = .array, minimumLSN: LSN? = nil
    ) {
        self.collection = collection
        self.ids = ids
        self.selection = selection
        self.vectorEncoding = vectorEncoding
        self.minimumLSN = minimumLSN
    }
}

/// `point.delete`.
package struct DeletePoints: Sendable {
    package var collection: String
    /// A filter here holds at least one condition.
    package var choice: PointChoice
    package var model: String?
    package var opKey: String?

    package init(collection: String, choice: PointChoice, model: String? = nil, opKey: String? = nil) {
        self.collection = collection
        self.choice = choice
        self.model = model
        self.opKey = opKey
    }
}

/// `point.count`.
package struct CountPoints: Sendable {
    package var collection: String
    package var filter: Filter?
    package var minimumLSN: LSN?

    package init(collection: String, filter: Filter? = nil, minimumLSN: LSN? = nil) {
        self.collection = collection
        self.filter = filter
        self.minimumLSN = minimumLSN
    }
}

/// `point.scroll`.
package struct ScrollPoints: Sendable {
    package var collection: String
    package var filter: Filter?
    package var order: ScrollOrder?
    /// 1 … `Limits.batchPoints`.
    package var limit: Int
    package var cursor: String?
    package var selection: PointSelection
    package var vectorEncoding: VectorEncoding
    package var minimumLSN: LSN?

    package init(
        collection: String, filter: Filter? = nil, order: ScrollOrder? = nil, limit: Int = 100,
        cursor: String? = nil, selection: PointSelection = PointSelection(),
        vectorEncoding: VectorEncoding = .array, minimumLSN: LSN? = nil
    ) {
        self.collection = collection
        self.filter = filter
        self.order = order
        self.limit = limit
        self.cursor = cursor
        self.selection = selection
        self.vectorEncoding = vectorEncoding
        self.minimumLSN = minimumLSN
    }
}
