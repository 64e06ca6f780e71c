import EgizTwin

/// What a task did with its records; summed since the task exists, stored with the offsets, so that the counts survive
/// restarts and equal a fold of the log.
public struct StepCounters: Sendable, Equatable {
    public var records: Int64 = 0
    public var applied: Int64 = 0
    public var samples: Int64 = 0
    public var deadLetters: Int64 = 0
    public var duplicate: Int64 = 0
    public var stale: Int64 = 0
    public var orphan: Int64 = 0
    public var tombstone: Int64 = 0
    public var notThing: Int64 = 0
    public var live: Int64 = 0
    public var notEvent: Int64 = 0
    public var gaps: Int64 = 0
    public var missed: Int64 = 0
    public var resets: Int64 = 0
    /// Records whose Kafka key was not the thing id (rule 13).
    public var keyMismatch: Int64 = 0
    /// Leaves that history cannot hold because their path has more than 1024 bytes.
    public var longPaths: Int64 = 0

    /// Records that queue behind a parked one.
    public var parked: Int64 = 0
    /// Dead letters that were tried again.
    public var redriven: Int64 = 0
    /// Records emitted to Kafka, dead-letter topics included.
    public var emitted: Int64 = 0
    /// Timers that fired.
    public var ticks: Int64 = 0
    /// How often stream time went on without a record.
    public var idleTicks: Int64 = 0
    /// Samples that came too late for their window.
    public var late: Int64 = 0
    /// Values of the scene that changed.
    public var bindings: Int64 = 0
    /// Alerts that were raised.
    public var alerts: Int64 = 0
    /// Values on which a binding or a rule failed.
    public var ruleErrors: Int64 = 0
    /// Things that were looked at again because rules changed.
    public var reviewed: Int64 = 0
    /// Messages of people that were consumed.
    public var messages: Int64 = 0
    /// Events that a filter held back.
    public var filtered: Int64 = 0
    /// Questions to models that were written.
    public var questions: Int64 = 0
    /// Records that a caller has settled by asking, and how many calls that took.
    public var answered: Int64 = 0
    public var calls: Int64 = 0
    /// Records that could not be asked about, or were answered with an error.
    public var callFaults: Int64 = 0
    /// Records that had waited too long and were not asked about.
    public var callsDropped: Int64 = 0
    /// Answers of models that were written into the projection.
    public var predictions: Int64 = 0

    public init() {}

    /// Name and value of each counter, in a fixed order; the names are stored and shown.
    public var named: [(name: String, value: Int64)] {
        [
            ("records", records), ("applied", applied), ("samples", samples), ("deadLetters", deadLetters),
            ("duplicate", duplicate), ("stale", stale), ("orphan", orphan), ("tombstone", tombstone),
            ("notThing", notThing), ("live", live), ("notEvent", notEvent), ("gaps", gaps), ("missed", missed),
            ("resets", resets), ("keyMismatch", keyMismatch), ("longPaths", longPaths), ("parked", parked),
            ("redriven", redriven), ("emitted", emitted), ("ticks", ticks), ("idleTicks", idleTicks), ("late", late),
            ("bindings", bindings), ("alerts", alerts), ("ruleErrors", ruleErrors), ("reviewed", reviewed),
            ("messages", messages), ("filtered", filtered),
            ("questions", questions), ("answered", answered), ("calls", calls),
            ("callFaults", callFaults), ("callsDropped", callsDropped), ("predictions", predictions),
        ]
    }

    /// The Prometheus counters of a stage that follow counters of its tasks, by the name of the counter.
    public static let metrics = [
        "emitted": "egiz_emitted_total", "late": "egiz_late_samples_total", "redriven": "egiz_redriven_total",
        "bindings": "egiz_scene_changes_total", "alerts": "egiz_alerts_raised_total",
        "ruleErrors": "egiz_rule_errors_total", "filtered": "egiz_filtered_total",
        "questions": "egiz_questions_total", "predictions": "egiz_predictions_total",
        "answered": "egiz_answered_total", "callFaults": "egiz_call_faults_total",
        "callsDropped": "egiz_calls_dropped_total",
    ]

    /// Sets the counter of that name; unknown names (of a newer version) are ignored.
    public mutating func set(_ name: String, to value: Int64) {
        switch name {
        case "records": records = value
        case "applied": applied = value
        case "samples": samples = value
        case "deadLetters": deadLetters = value
        case "duplicate": duplicate = value
        case "stale": stale = value
        case "orphan": orphan = value
        case "tombstone": tombstone = value
        case "notThing": notThing = value
        case "live": live = value
        case "notEvent": notEvent = value
        case "gaps": gaps = value
        case "missed": missed = value
        case "resets": resets = value
        case "keyMismatch": keyMismatch = value
        case "longPaths": longPaths = value
        case "parked": parked = value
        case "redriven": redriven = value
        case "emitted": emitted = value
        case "ticks": ticks = value
        case "idleTicks": idleTicks = value
        case "late": late = value
        case "bindings": bindings = value
        case "alerts": alerts = value
        case "ruleErrors": ruleErrors = value
        case "reviewed": reviewed = value
        case "messages": messages = value
        case "filtered": filtered = value
        case "questions": questions = value
        case "answered": answered = value
        case "calls": calls = value
        case "callFaults": callFaults = value
        case "callsDropped": callsDropped = value
        case "predictions": predictions = value
        default: break
        }
    }

    /// Counts missed revisions. A producer may leap to any revision, so the sum stops at the largest number instead of trapping.
    mutating func miss(_ revisions: Int64) {
        let (sum, overflow) = missed.addingReportingOverflow(revisions)
        missed = overflow ? .max : sum
    }

    mutating func count(_ reason: IgnoreReason) {
        switch reason {
        case .tombstone: tombstone += 1
        case .notThing: notThing += 1
        case .live: live += 1
        case .notEvent: notEvent += 1
        case .duplicate: duplicate += 1
        case .stale: stale += 1
        case .orphan: orphan += 1
        }
    }
}
