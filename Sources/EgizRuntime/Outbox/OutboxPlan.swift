import EgizCore

/// What becomes of a task's pending outboxes at a takeover: decided from facts, without I/O (rule 9).
enum OutboxPlan: Equatable {
    /// Outboxes beyond this epoch are published, the others are in Kafka and are deleted.
    case publish(after: Int64)
    /// Postgres stands before what Kafka has: it was restored from a backup. The source says `onGap: report`: the task begins a new
    /// incarnation, and all its outboxes are published.
    case beginAnew

    /// - Parameter found: the group offsets of the task's topics, those that there are.
    ///
    /// Throws `.gap`/`.stop` where Postgres went back in time, or where nothing says which pending outboxes are in Kafka, and the
    /// source does not say `onGap: report`.
    static func make(
        lease: TaskLease, found: [GroupOffset], isEmbedded: Bool, isSameLog: Bool, onGap: SourceDefinition.OnGap
    ) throws(EngineError) -> OutboxPlan {
        // They are written together; a topic that was added later has none yet.
        let evidence = found.compactMap { Evidence(parsing: $0.metadata) }
            .filter { $0.incarnation == lease.incarnation }.map(\.epoch).max()
        // A task that never had a position begins its life: what its group says is of another one, before a purge.
        let isNew = lease.epoch == 0 && lease.positions.isEmpty
        guard isSameLog, !isNew else { return .publish(after: 0) }
        if let evidence, evidence > lease.epoch {
            if onGap == .report { return .beginAnew }
            throw EngineError(
                .gap, .stop,
                "Kafka has what epoch \(evidence) of task \(lease.task) emitted, Postgres stands at epoch \(lease.epoch): it went back in time, probably restored from a backup. Nothing was done; see docs/operating.md, \"Gaps\", then set `onGap: report` on the source to go on from Postgres' offsets, which emits those records again under new ids",
                detail: LogGap.Reason.evidence.rawValue)
        }
        if let evidence { return .publish(after: evidence) }
        // The embedded broker may lose offsets with its memory; its readers drop repeats by `egiz-id`.
        if !lease.hasPendingOutboxes || isEmbedded || onGap == .report { return .publish(after: 0) }
        throw EngineError(
            .gap, .stop,
            "task \(lease.task) has records that wait to be published, and its consumer group's offsets, which would say which of them Kafka has, are missing or were written by another program. Nothing was done; see docs/operating.md, \"Gaps\", then set `onGap: report` on the source to publish them all",
            detail: LogGap.Reason.evidence.rawValue)
    }
}
