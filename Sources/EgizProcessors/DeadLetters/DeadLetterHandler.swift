public import EgizCore
public import EgizTwin

/// The kind `dead-letter-handler`: keeps the dead letters of other systems among ours, tries some of them again, and tells when they
/// come too fast.
///
/// Whoever wrote the letter is asked to try again by writing the record to its topic once more; how often that was done travels with
/// the record in `egiz-retry`, so the handler remembers nothing of it. Times are stream time: that of the letters, and of the clock
/// where none come.
public final class DeadLetterHandler: StatefulProcessor, RecordProcessor {
    public typealias State = LetterState

    public static let spec = KindSpec(
        kind: "dead-letter-handler",
        summary: """
            Keeps the records of dead-letter topics of other systems in `dead_letter`, where they are listed, edited and tried \
            again as our own are; by itself it tries some of them again, and raises an alert when they come too fast. Letters that \
            this database has already (header `egiz-db`) are skipped.
            """,
        input: .records,
        output: .none,
        projections: ["alert"],
        fields: [
            .init(
                "to", .topic,
                "Where a letter goes that is tried again; without it its topic without `.dlq`. Whoever reads there must keep headers when he gives up again, or the count begins anew."
            ),
            .init("retry", .map(LetterRetry.fields), "Which letters are tried again by themselves; without it, none."),
            .init("alert", .map(LetterAlert.fields), "When letters come too fast; without it, no alert."),
        ],
        metrics: [
            .init("deadLetters", "letters that were kept"),
            .init("filtered", "letters that this database has already"),
            .init("redriven", "letters that were tried again, by themselves or by people"),
            .init("alerts", "alerts that were raised"),
        ],
        messages: ["alert.to": "alert.v1.schema.json"],
        example: """
            orders:
              kind: dead-letter-handler
              from: order-letters
              retry: { count: 3, first: 30s, most: 1h, only: [timeout, "http-5*"] }
              alert: { over: 100, per: 5m, severity: error, to: framework.notifications.v1.alert }
            """,
        defaultTopics: { _, source in
            source.topics.filter { $0.name.hasSuffix(".dlq") }.map { String($0.name.dropLast(4)) }
        })

    public static let mayRefuse = false
    public static let readsBytes = true
    public static let keepsLetters = true

    private let topic: String?
    private let retry: LetterRetry?
    let alert: LetterAlert?
    private let name: String

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        name = definition.name
        topic = try reader.text("to")
        retry = try reader.map("retry").map { words throws(TopologyFaults) in try LetterRetry(words) }
        alert = try reader.map("alert").map { words throws(TopologyFaults) in try LetterAlert(words) }
    }

    /// The letters of one partition are counted together. No thing of a twin has such a name: its stage makes none.
    public func subject(of position: InputPosition) -> ThingID? {
        try? ThingID(validating: "dead-letters:\(position.topic)-\(position.partition)")
    }

    public func process(_ change: borrowing TwinChange, state: LetterState, into effects: inout RecordEffects)
        throws(RecordFault)
    {}

    public func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault) {
        try process(record, memory: nil, into: &effects)
    }

    public func process(_ record: InputRecord, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        if record.attempt != nil { return try send(record, &effects) }
        let database = record.header("egiz-db")
        if let database, database.utf8.elementsEqual(record.database.utf8) { return effects.countSkipped() }
        let letter = ForeignLetter(record)
        effects.keep(
            KeptLetter(
                code: letter.code, message: letter.message, thing: letter.thing, attempts: letter.attempts + 1,
                retryAt: target(of: record) == nil ? nil : retry?.due(letter, arrived: record.time)))
        guard let state = memory as? LetterState else { return }
        // Records of logs without times count as if they came at once.
        let time = record.streamTime ?? record.time
        guard let alert else { return state.end(at: time, record.position) }
        state.add(at: time, alert)
        settle(state, alert, at: time, record.position, &effects)
    }

    /// Back to where it came from, whole but for what was said of it since.
    private func send(_ record: InputRecord, _ effects: inout RecordEffects) throws(RecordFault) {
        guard let topic = target(of: record) else {
            throw RecordFault(
                code: "origin",
                message:
                    "\(record.position.topic) does not end in .dlq: say with `to` where its letters are tried again")
        }
        let letter = ForeignLetter(record)
        var headers = record.headers.filter { !ForeignLetter.isNote($0.name) }
        headers.append(.init(name: ForeignLetter.retryHeader, value: Array("\(letter.attempts + 1)".utf8)))
        try effects.emit(to: topic, exactly: record.key, value: record.bytes, headers: headers)
    }

    private func target(of record: InputRecord) -> String? {
        topic ?? (record.position.topic.hasSuffix(".dlq") ? String(record.position.topic.dropLast(4)) : nil)
    }

    // MARK: The rate

    public func tick(_ tick: TimerTick, state: LetterState, into effects: inout RecordEffects) {
        guard let alert else { return state.end(at: tick.due, nil) }
        settle(state, alert, at: tick.due, nil, &effects)
    }

    /// Brings the alert in step with how many letters there are now.
    private func settle(
        _ state: LetterState, _ alert: LetterAlert, at time: EventTime, _ position: InputPosition?,
        _ effects: inout RecordEffects
    ) {
        state.forget(before: time, alert)
        let isOver = state.count > alert.over
        if isOver, !state.isHigh {
            state.isHigh = true
            state.raise(name, alert, at: time, position)
            effects.countAlert()
            tell("raised", state, alert, time, nil, &effects)
        } else if !isOver, state.isHigh {
            state.isHigh = false
            if state.raised != nil { end(state, alert, at: time, position, by: nil, &effects) }
        }
        // While it stands, the next letters to be forgotten may end it.
        if state.isHigh, let due = state.nextForgotten(alert) { effects.setTimer(at: due) }
    }

    private func end(
        _ state: LetterState, _ alert: LetterAlert, at time: EventTime, _ position: InputPosition?, by person: String?,
        _ effects: inout RecordEffects
    ) {
        tell("cleared", state, alert, time, person, &effects)
        state.clear(at: time, position)
    }

    public var receivesMessages: Bool { alert != nil }

    public func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, state: LetterState, into effects: inout RecordEffects
    ) {
        guard let alert, state.raised?.key.utf8.elementsEqual(message.subject.utf8) == true else { return }
        switch message.action {
        case "acknowledge":
            guard state.raised?.acknowledgedAt == nil else { return }
            state.acknowledge(at: change.time, by: message.by)
            tell("acknowledged", state, alert, change.time, message.by, &effects)
        case "clear": end(state, alert, at: change.time, nil, by: message.by, &effects)
        default: effects.countRuleError()
        }
    }

    public func project(_ thing: ThingID, state: LetterState, into rows: inout ProjectionRows) {
        for one in state.takeChanged() {
            rows.upsert(
                AlertRow(
                    home: rows.home, processor: rows.processor, thing: thing, key: one.key, rule: name,
                    severity: one.severity, state: one.state, message: one.message, raisedAt: one.raisedAt,
                    updatedAt: one.updatedAt, acknowledgedAt: one.acknowledgedAt, acknowledgedBy: one.acknowledgedBy,
                    clearedAt: one.clearedAt, revision: 0, cause: one.cause))
        }
    }

    private func tell(
        _ event: String, _ state: LetterState, _ alert: LetterAlert, _ time: EventTime, _ person: String?,
        _ effects: inout RecordEffects
    ) {
        guard let topic = alert.topic, let one = state.raised, let thing = effects.thing else { return }
        var object = JSONObject()
        object["event"] = .string(event)
        object["thingId"] = .string(thing.text)
        object["key"] = .string(one.key)
        object["rule"] = .string(name)
        object["severity"] = .string(one.severity.name)
        object["state"] = .string(event == "cleared" ? "cleared" : one.state.rawValue)
        object["message"] = .string(one.message)
        object["raisedAt"] = .string(one.raisedAt.text)
        object["time"] = .string(time.text)
        object["revision"] = .int(0)
        if let person { object["by"] = .string(person) }
        if event == "raised", let cause = one.cause { object["cause"] = RuleRecords.cause(cause) }
        var bytes: [UInt8] = []
        JSONValue.object(object).write(into: &bytes)
        // A few hundred bytes: smaller than any broker's limit.
        do throws(RecordFault) { try effects.emit(to: topic, value: bytes) } catch { effects.countRuleError() }
    }
}
