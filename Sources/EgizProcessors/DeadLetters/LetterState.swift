public import EgizCore
import EgizTwin

/// How many letters came lately in one partition, and the alert about it.
public final class LetterState: ProcessorState {
    struct Alert {
        var key = "rate"
        var severity: AlertRow.Severity
        var message: String
        var raisedAt: EventTime
        var updatedAt: EventTime
        var acknowledgedAt: EventTime?
        var acknowledgedBy: String?
        var clearedAt: EventTime?
        // Not kept: only of the epoch that changes it.
        var isDirty = true
        var cause: InputPosition?

        var state: AlertRow.State { clearedAt != nil ? .cleared : acknowledgedAt != nil ? .acknowledged : .raised }
    }

    public static let version: UInt8 = 1

    /// By rising start, in microseconds: at most as many as parts of the time that counts, and one.
    private var parts: [(start: Int64, count: Int64)] = []
    /// There are too many; also where somebody has cleared the alert by hand.
    var isHigh = false
    private(set) var raised: Alert?
    /// Cleared in the open epoch, written once more.
    private var cleared: [Alert] = []

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        for _ in 0..<(try reader.count()) { parts.append((try reader.int64(), try reader.int64())) }
        isHigh = try reader.bool()
        guard try reader.bool() else { return }
        guard let severity = AlertRow.Severity(rawValue: try reader.byte()) else {
            throw StateFault("an alert has an unknown severity")
        }
        var alert = Alert(
            severity: severity, message: try reader.text(), raisedAt: EventTime(microseconds: try reader.int64()),
            updatedAt: EventTime(microseconds: try reader.int64()))
        if try reader.bool() { alert.acknowledgedAt = EventTime(microseconds: try reader.int64()) }
        if try reader.bool() { alert.acknowledgedBy = try reader.text() }
        alert.isDirty = false
        raised = alert
    }

    public func encode(into writer: inout StateWriter) {
        writer.write(count: parts.count)
        for part in parts {
            writer.write(part.start)
            writer.write(part.count)
        }
        writer.write(isHigh)
        writer.write(raised != nil)
        guard let raised else { return }
        writer.write(raised.severity.rawValue)
        writer.write(raised.message)
        writer.write(raised.raisedAt.microseconds)
        writer.write(raised.updatedAt.microseconds)
        writer.write(raised.acknowledgedAt != nil)
        if let time = raised.acknowledgedAt { writer.write(time.microseconds) }
        writer.write(raised.acknowledgedBy != nil)
        if let person = raised.acknowledgedBy { writer.write(person) }
    }

    public func copy() -> LetterState {
        let copy = LetterState()
        (copy.parts, copy.isHigh, copy.raised, copy.cleared) = (parts, isHigh, raised, cleared)
        return copy
    }

    public var isEmpty: Bool { parts.isEmpty && !isHigh && raised == nil }

    // MARK: Counting

    var count: Int64 { parts.reduce(0) { $0 + $1.count } }

    func add(at time: EventTime, _ alert: LetterAlert) {
        let start = time.microseconds / alert.part * alert.part
        if let last = parts.indices.last, parts[last].start >= start {
            // Stream time does not go back.
            parts[last].count += 1
        } else {
            parts.append((start, 1))
        }
    }

    /// Letters of a part are forgotten together, when `per` has passed since the part began.
    func forget(before time: EventTime, _ alert: LetterAlert) {
        parts.removeAll { EventTime(microseconds: $0.start).advanced(byMicroseconds: alert.per) <= time }
    }

    func nextForgotten(_ alert: LetterAlert) -> EventTime? {
        parts.first.map { EventTime(microseconds: $0.start).advanced(byMicroseconds: alert.per) }
    }

    // MARK: The alert

    func raise(_ name: String, _ alert: LetterAlert, at time: EventTime, _ cause: InputPosition?) {
        let seconds = Double(alert.per) / 1_000_000
        let span = alert.per % 1_000_000 == 0 ? "\(alert.per / 1_000_000)" : "\(seconds)"
        raised = Alert(
            severity: alert.severity,
            message: "\(name): \(count) dead letters within \(span) s, more than \(alert.over)",
            raisedAt: time, updatedAt: time, cause: cause)
    }

    func acknowledge(at time: EventTime, by person: String?) {
        raised?.acknowledgedAt = time
        raised?.acknowledgedBy = person
        raised?.updatedAt = time
        raised?.cause = nil
        raised?.isDirty = true
    }

    /// Nobody wants an alert any more.
    func end(at time: EventTime, _ cause: InputPosition?) {
        clear(at: time, cause)
        parts = []
        isHigh = false
    }

    func clear(at time: EventTime, _ cause: InputPosition?) {
        guard var alert = raised else { return }
        raised = nil
        alert.clearedAt = time
        alert.updatedAt = time
        alert.cause = cause
        cleared.append(alert)
    }

    /// The alerts that the epoch has changed. Raised and cleared again at one moment is one row: the last has the word.
    func takeChanged() -> [Alert] {
        var rows: [Alert] = []
        for alert in cleared {
            rows.removeAll { $0.raisedAt == alert.raisedAt }
            rows.append(alert)
        }
        cleared = []
        if let alert = raised, alert.isDirty {
            raised?.isDirty = false
            rows.removeAll { $0.raisedAt == alert.raisedAt }
            rows.append(alert)
        }
        return rows
    }
}
