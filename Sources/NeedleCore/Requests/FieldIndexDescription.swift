/// A field index as `index.list` tells it.
package struct FieldIndexDescription: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Some rows are still looked at themselves.
        case building
        case ready
    }

    package var definition: FieldIndexDefinition
    package var state: State

    package init(definition: FieldIndexDefinition, state: State) {
        self.definition = definition
        self.state = state
    }
}

/// A value at a key, and how many points have it.
package struct FacetValue: Hashable, Sendable {
    package var value: MatchValue
    package var count: Int

    package init(value: MatchValue, count: Int) {
        self.value = value
        self.count = count
    }
}
