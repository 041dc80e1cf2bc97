// Results of `index.*` and `point.facet`.

import NeedleCore

extension JSONWriter {
    mutating func writeList(_ indexes: [FieldIndexDescription]) {
        key("indexes")
        array(indexes) { json, index in
            json.object { json in
                json.writeMembers(of: index.definition)
                json.string("state", index.state.rawValue)
            }
        }
    }

    /// In the form that `index.create` takes.
    mutating func writeMembers(of definition: FieldIndexDefinition) {
        string("key", definition.path.text)
        string("type", definition.type.rawValue)
        if definition.isTenant {
            key("tenant")
            write(true)
        }
        guard let text = definition.text else { return }
        object("options") { json in
            json.string("stemming", text.stemming.rawValue)
            json.key("stop_words")
            json.array(text.stopWords) { $0.write($1) }
        }
    }

    mutating func writeFacet(_ values: [FacetValue]) {
        key("values")
        array(values) { json, value in
            json.object { json in
                json.key("value")
                json.write(value.value)
                json.integer("count", value.count)
            }
        }
    }
}
