import EgizCore

/// Where a task goes on after it was taken over: decided from facts, without I/O (contract 8, rule 15).
struct TakeoverPlan: Equatable {
    /// What is known of one topic's partition of the task.
    struct Facts {
        var partition: TopicPartition
        var stored: NextOffset?
        var storedMark: RecordMark?
        var watermarks: LogWatermarks
        /// The record at the stored mark's offset as it is in the log now; nil where it is not there any more.
        var foundMark: RecordMark?
    }

    var positions: [TopicPartition: NextOffset] = [:]
    var gaps: [LogGap] = []
    /// True where positions must be stored before reading: a baseline, a reported gap, another embedded log.
    var mustStore = false

    static func == (a: Self, b: Self) -> Bool {
        a.positions == b.positions && a.mustStore == b.mustStore
            && a.gaps.map { [$0.topic, "\($0.partition)", "\($0.from.raw)", "\($0.to.raw)", $0.reason.rawValue] }
                == b.gaps.map { [$0.topic, "\($0.partition)", "\($0.from.raw)", "\($0.to.raw)", $0.reason.rawValue] }
    }

    /// Postgres went back in time and the source says to go on: noted as a gap, so that a new incarnation begins (rule 9).
    mutating func noteEvidenceGap(of task: TaskID) {
        mustStore = true
        for (partition, position) in positions.sorted(by: { $0.key < $1.key }) {
            gaps.append(
                LogGap(
                    topic: partition.topic, partition: partition.partition, from: position, to: position,
                    reason: .evidence))
        }
    }

    /// Throws `.gap`/`.stop` where records would be skipped and the source does not say `onGap: report`.
    static func make(
        facts: [Facts], storedLog: LogIdentity?, log: LogIdentity, start: SourceDefinition.Start,
        onGap: SourceDefinition.OnGap
    ) throws(EngineError) -> TakeoverPlan {
        var plan = TakeoverPlan()
        let isSameLog = storedLog.map { $0.isSameLog(as: log) } ?? true
        let bothEmbedded = log.isEmbedded && (storedLog?.isEmbedded ?? false)
        for fact in facts {
            guard let stored = fact.stored else {
                plan.positions[fact.partition] = start == .earliest ? fact.watermarks.start : fact.watermarks.end
                plan.mustStore = true
                continue
            }
            guard let gap = gap(fact, stored, isSameLog: isSameLog, bothEmbedded: bothEmbedded) else {
                plan.positions[fact.partition] = stored
                continue
            }
            // The embedded log lives in this memory and evicts what is not read in time: stopping would lose the rest of it too,
            // so there records that were evicted are always reported.
            if gap.reason != .embedded, onGap == .fail, !(log.isEmbedded && gap.reason == .retention) {
                throw error(gap, storedLog: storedLog, log: log)
            }
            plan.positions[fact.partition] = gap.to
            plan.gaps.append(gap)
            plan.mustStore = true
        }
        if storedLog != log { plan.mustStore = true }
        return plan
    }

    private static func gap(_ fact: Facts, _ stored: NextOffset, isSameLog: Bool, bothEmbedded: Bool) -> LogGap? {
        let reason: LogGap.Reason
        let to: NextOffset
        if !isSameLog {
            // Nothing had been read of it: there is nothing to put aside.
            if bothEmbedded, stored == fact.watermarks.start { return nil }
            (reason, to) = (bothEmbedded ? .embedded : .cluster, fact.watermarks.start)
        } else if stored > fact.watermarks.end {
            (reason, to) = (.truncated, fact.watermarks.end)
        } else if stored < fact.watermarks.start {
            (reason, to) = (.retention, fact.watermarks.start)
        } else if let mark = fact.storedMark, let found = fact.foundMark, mark != found {
            (reason, to) = (.recreated, fact.watermarks.start)
        } else {
            return nil
        }
        return LogGap(
            topic: fact.partition.topic, partition: fact.partition.partition, from: stored, to: to, reason: reason)
    }

    private static func error(_ gap: LogGap, storedLog: LogIdentity?, log: LogIdentity) -> EngineError {
        let place = "\(gap.topic)[\(gap.partition)]"
        let what =
            switch gap.reason {
            case .retention:
                "retention has passed the stored offset \(gap.from.raw): the log of \(place) starts at \(gap.to.raw), \(gap.to.raw - gap.from.raw) records are gone"
            case .truncated:
                "the stored offset \(gap.from.raw) lies beyond the end of \(place), which is \(gap.to.raw): the log was truncated or the topic recreated"
            case .cluster:
                "the stored offsets of \(place) were taken from cluster \(storedLog?.clusterID ?? "?"), this is cluster \(log.clusterID)"
            case .recreated:
                "the last processed record of \(place) is not the record that the log has at its offset: the topic was recreated"
            case .embedded:
                "the embedded log of \(place) is a new one"
            case .evidence:
                "Postgres stands before what Kafka has of \(place)"
            }
        return EngineError(
            .gap, .stop,
            "\(what). Nothing was skipped; see docs/operating.md, \"Gaps\", then set `onGap: report` on the source to go on at \(gap.to.raw)",
            detail: gap.reason.rawValue)
    }
}
