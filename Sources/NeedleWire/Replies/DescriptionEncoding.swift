// What the server tells of itself and of its collections.

import NeedleCore

extension JSONWriter {
    mutating func writeMembers(of info: ServerInfo) {
        string("server", "needletail")
        string("version", info.version)
        key("protocol")
        array([Greeting.protocolVersions.lowerBound, Greeting.protocolVersions.upperBound]) { $0.write($1) }
        key("uptime_ms")
        write(info.uptimeMS)
        string("kernel_tier", info.kernelTier)
        key("model")
        if let model = info.model { write(model) } else { writeNull() }
        if !info.moreModels.isEmpty {
            key("more_models")
            array(info.moreModels) { $0.write($1) }
        }
        if let cache = info.embeddingCache { write(cache) }
        object("memory") { json in
            for entry in info.memory {
                json.key(string: entry.purpose)
                json.write(entry.bytes)
            }
        }
        object("limits") { json in
            json.writeAnnounced(info.limits)
            json.writeUnannounced(info.limits)
        }
        writeList(info.collections)
    }

    private mutating func write(_ cache: EmbeddingCacheStatistics) {
        object("embedding_cache") { json in
            json.integer("memory_hits", cache.memoryHits)
            json.integer("file_hits", cache.fileHits)
            json.integer("misses", cache.misses)
            json.integer("entries", cache.entries)
            json.integer("bytes_in_memory", cache.bytesInMemory)
            json.integer("bytes_on_disk", cache.bytesOnDisk)
            json.integer("damaged", cache.damaged)
        }
    }

    /// The limits of the greeting.
    mutating func writeAnnounced(_ limits: Limits) {
        integer("line_bytes", limits.lineBytes)
        integer("in_flight", limits.inFlight)
        integer("batch_points", limits.batchPoints)
        integer("dimensions", limits.dimensions)
        integer("wait_ms", limits.waitMS)
    }

    private mutating func writeUnannounced(_ limits: Limits) {
        integer("nesting", limits.nesting)
        integer("server_bytes", limits.serverBytes)
        integer("write_timeout_ms", limits.writeTimeoutMS)
        integer("drain_ms", limits.drainMS)
        integer("connections", limits.connections)
        integer("op_key_ms", limits.opKeyMS)
        integer("cursor_ms", limits.cursorMS)
        integer("cursors", limits.cursors)
        integer("collections", limits.collections)
        integer("spaces", limits.spaces)
    }

    mutating func writeMembers(of grant: Grant) {
        string("role", grant.role.rawValue)
        key("collections")
        if let collections = grant.collections {
            array(collections) { $0.write($1) }
        } else {
            write(literal: "*")
        }
    }

    mutating func writeMembers(of health: HealthReport) {
        string("status", health.isWell ? "ok" : "degraded")
        object("collections") { json in
            for summary in health.collections {
                json.key(string: summary.name)
                json.object { json in
                    json.string("state", summary.state.rawValue)
                    if let reason = summary.reason { json.string("reason", reason) }
                    if !summary.alerts.isEmpty { json.writeList(summary.alerts) }
                }
            }
        }
        guard !health.damagedSnapshots.isEmpty else { return }
        object("snapshots") { json in
            for snapshot in health.damagedSnapshots {
                json.key(string: snapshot.name)
                json.object { json in
                    json.string("state", "damaged")
                    json.string("reason", snapshot.reason)
                }
            }
        }
    }

    mutating func writeList(_ summaries: [CollectionSummary]) {
        key("collections")
        array(summaries) { json, summary in
            json.object { json in
                json.string("name", summary.name)
                json.integer("points", summary.points)
                json.string("state", summary.state.rawValue)
            }
        }
    }

    mutating func write(_ model: ModelDescription) {
        object { json in
            json.string("name", model.name)
            json.string("fingerprint", model.fingerprint)
            json.integer("dimensions", model.dimensions)
            json.integer("maximum_tokens", model.maximumTokens)
        }
    }

    mutating func writeMembers(of description: CollectionDescription) {
        string("name", description.name)
        object("config") { $0.writeMembers(of: description.config) }
        integer("points", description.points)
        integer("indexed_points", description.indexedPoints)
        key("segments")
        array(description.segments) { $0.write($1) }
        string("state", description.state.rawValue)
        integer("bytes_on_disk", description.bytesOnDisk)
        integer("bytes_in_memory", description.bytesInMemory)
        lsn(description.lsn)
        if !description.recall.isEmpty {
            key("recall")
            array(description.recall) { $0.write($1) }
        }
        if !description.quality.isEmpty { writeList(description.quality) }
    }

    private mutating func write(_ recall: RecallDescription) {
        object { json in
            json.string("space", recall.space)
            json.key("segment")
            json.write(recall.segment)
            json.string("searched_on", recall.searchedOn)
            json.string("filter", recall.filter)
            json.integer("k", recall.k)
            json.string("from", recall.source)
            json.integer("queries", recall.queries)
            json.integer("rows", recall.rows)
            json.key("measured_ms")
            json.write(recall.measuredMS)
            if let ef = recall.standardEF { json.integer("standard_ef", ef) }
            json.key("curve")
            json.array(recall.points) { json, point in
                json.object { json in
                    json.integer("ef", point.ef)
                    json.key("recall")
                    json.write(point.recall)
                    json.key("low")
                    json.write(point.low)
                    json.key("high")
                    json.write(point.high)
                }
            }
        }
    }

    /// The shape `collection.create` takes, with every default spelled out.
    private mutating func writeMembers(of config: CollectionConfig) {
        key("vectors")
        if config.hasSingleUnnamedSpace {
            write(config.spaces[0])
        } else {
            object { json in
                for space in config.spaces {
                    json.key(string: space.name)
                    json.write(space)
                }
            }
        }
        string("durability", config.durability.rawValue)
        string("text_key", config.textKey)
    }

    private mutating func write(_ space: SpaceConfig) {
        object { json in
            json.integer("size", space.size)
            json.writeTraits(metric: space.metric, quantization: space.quantization, hnsw: space.hnsw)
            if let model = space.model { json.string("model", model) }
            if let fingerprint = space.modelFingerprint { json.string("model_fingerprint", fingerprint) }
        }
    }

    mutating func writeTraits(metric: Metric, quantization: QuantizationKind, hnsw: HNSWConfig) {
        string("metric", metric.name)
        object("quantization") { $0.string("kind", quantization.rawValue) }
        object("hnsw") { json in
            json.integer("m", hnsw.m)
            json.integer("ef_construct", hnsw.efConstruct)
        }
    }

    private mutating func write(_ segment: SegmentDescription) {
        object { json in
            json.key("id")
            json.write(segment.id)
            json.string("state", segment.state.rawValue)
            json.integer("rows", segment.rows)
            json.integer("points", segment.points)
            json.integer("bytes", segment.bytes)
            json.object("parts") { json in
                for part in segment.parts {
                    json.key(string: part.name.rawValue)
                    json.object { json in
                        json.integer("bytes", part.bytes)
                        json.integer("resident", part.resident)
                    }
                }
            }
            json.key("spaces")
            json.array(segment.spaces) { json, space in
                json.object { json in
                    json.string("name", space.name)
                    json.integer("vectors", space.vectors)
                    json.integer("indexed", space.indexed)
                    json.string("searched_on", space.searchedOn)
                }
            }
        }
    }
}
