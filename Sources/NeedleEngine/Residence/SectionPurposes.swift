import NeedleCore
import NeedleStorage

/// What the sections of a segment file are for, as `collection.get` tells it.
extension SectionKind {
    struct Purpose {
        let part: SegmentPart.Name
        let kinds: Set<SectionKind>
    }

    /// The graph first.
    static let purposes = [
        Purpose(
            part: .graph,
            kinds: [
                .graphScalars, .graphLevels, .graphNodes, .graphUpperOffsets, .graphUpperLinks, .codes,
                .quantizer,
            ]),
        Purpose(part: .originals, kinds: [.vectors, .inverseNorms, .presence]),
        Purpose(part: .ids, kinds: [.rowIDs, .stringHeap, .idHash, .idOrder]),
        Purpose(part: .payloads, kinds: [.versions, .expiries, .payloadOffsets, .payloadHeap]),
    ]
}
