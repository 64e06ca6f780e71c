extension Twin {
    /// Folds one event and reports the leaves it wrote. An ignored or rejected event leaves the twin and `change` as they were.
    public func apply(_ event: TwinEvent, paths: PathTable, into change: inout ChangeBuffer) -> FoldOutcome {
        // What follows may change the document's structure, and with it where the leaves are.
        dropCells()
        guard let revision = event.revision else { return applyTelemetry(event, paths, &change) }
        let creates = event.action == .created && event.path.resource == .thing
        var missed: Int64 = 0
        var reset = false
        switch life {
        case .unknown:
            guard creates else { return .ignored(.orphan) }
        case .alive, .deleted:
            if revision == self.revision { return .ignored(.duplicate) }
            if revision < self.revision {
                guard life == .deleted, creates, let last = timestamp, let now = event.timestamp, now > last else {
                    return .ignored(.stale)
                }
                reset = true
            } else {
                if life == .deleted, !creates { return .ignored(.orphan) }
                missed = revision - self.revision - 1
            }
        }
        if let rejection = fold(event, local(event.path, paths), paths, &change) { return .rejected(rejection) }
        self.revision = revision
        timestamp = event.timestamp
        return .applied(missed: missed, reset: reset)
    }

    /// The event's path with numbers of this table; another one than the decoder's is unusual, but no fault.
    @inline(__always)
    private func local(_ path: EventPath, _ paths: PathTable) -> EventPath {
        path.table == ObjectIdentifier(paths) ? path : EventPath(path, table: paths)
    }

    @inline(__always)
    private func fold(
        _ event: TwinEvent, _ path: EventPath, _ paths: PathTable, _ change: inout ChangeBuffer
    ) -> Rejection? {
        switch (event.action, path.resource) {
        case (.created, .thing): create(event, paths, &change)
        case (.modified, .thing):
            replace(event, paths, &change)
            foldMetadata(event, path)
        case (.deleted, .thing): delete(paths, &change)
        case (.created, _), (.modified, _):
            write(event.value ?? .null, path, paths, &change)
            state.modified = event.timestamp
            if state.metadata != nil || event.metadata != nil { foldMetadata(event, path) }
        case (.deleted, _):
            remove(path, paths, &change)
            state.modified = event.timestamp
            if state.metadata != nil || event.metadata != nil { foldMetadata(event, path) }
        case (.merged, _), (.migrated, _):
            if let fault = event.fault { return Rejection(.merge, fault, thing) }
            if event.usesExpressions {
                do throws(ThingShape.Fault) {
                    try mergeWithExpressions(event.value ?? .null, path, paths, &change)
                } catch {
                    return Rejection(.merge, error.message, thing)
                }
            } else {
                merge(event, path, paths, &change)
            }
            state.modified = event.timestamp
            if state.metadata != nil || event.metadata != nil { foldMetadata(event, path) }
        }
        return nil
    }

    private func applyTelemetry(
        _ event: TwinEvent, _ paths: PathTable, _ change: inout ChangeBuffer
    ) -> FoldOutcome {
        let (next, overflow) = revision.addingReportingOverflow(1)
        guard !overflow else { return .rejected(Rejection(.revision, "the thing has used up all revisions", thing)) }
        let path = local(event.path, paths)
        if life != .alive {
            life = .alive
            state = ThingState()
            state.created = event.timestamp
        }
        merge(event, path, paths, &change)
        state.modified = event.timestamp
        revision = next
        timestamp = event.timestamp
        return .applied(missed: 0, reset: false)
    }

    // MARK: Whole thing

    private func create(_ event: TwinEvent, _ paths: PathTable, _ change: inout ChangeBuffer) {
        let payload = event.value?.object ?? JSONObject()
        var next = ThingState(payload: payload)
        if let timestamp = event.timestamp {
            next.created = timestamp
            next.modified = timestamp
        } else {
            next.created = payload["_created"]?.string.flatMap { try? Timestamp(parsing: $0) }
            next.modified = payload["_modified"]?.string.flatMap { try? Timestamp(parsing: $0) }
        }
        if let metadata = event.metadata {
            next.metadata = .object(metadata)
        } else if let metadata = payload["_metadata"], metadata.isObject {
            next.metadata = metadata
        }
        report(from: state, to: next, paths, &change)
        state = next
        life = .alive
    }

    private func replace(_ event: TwinEvent, _ paths: PathTable, _ change: inout ChangeBuffer) {
        let payload = event.value?.object ?? JSONObject()
        var next = ThingState(payload: payload)
        next.created = state.created
        next.modified = event.timestamp
        next.metadata = state.metadata
        if next.policyID == nil { next.policyID = state.policyID }
        // Quirk: a null that is stored for a section outlives a payload without that section.
        if next.attributes == nil, let old = state.attributes, old.isNull { next.attributes = old }
        if next.features == nil, let old = state.features, old.isNull { next.features = old }
        report(from: state, to: next, paths, &change)
        state = next
    }

    private func delete(_ paths: PathTable, _ change: inout ChangeBuffer) {
        report(from: state, to: ThingState(), paths, &change)
        state = ThingState()
        life = .deleted
    }

    func report(from old: ThingState, to new: ThingState, _ paths: PathTable, _ change: inout ChangeBuffer) {
        func section(_ name: String) -> Int32 { paths.child(of: PathTable.root, name) }
        change.replaced(old.policyID, by: new.policyID, at: section(ThingState.Section.policyID), paths)
        change.replaced(old.definition, by: new.definition, at: section(ThingState.Section.definition), paths)
        change.replaced(old.attributes, by: new.attributes, at: section(ThingState.Section.attributes), paths)
        change.replaced(old.features, by: new.features, at: section(ThingState.Section.features), paths)
    }

    /// The section of the thing that holds `path`.
    @inline(__always)
    func withSection(_ path: EventPath, _ body: (inout JSONValue?) -> Void) {
        switch path.resource {
        case .thing: break
        case .policyID: body(&state.policyID)
        case .definition: body(&state.definition)
        case .attributes, .attribute: body(&state.attributes)
        case .features, .feature, .featureDefinition, .properties, .property: body(&state.features)
        }
    }
}
