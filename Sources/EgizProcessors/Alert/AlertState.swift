public import EgizCore
import EgizTwin

/// What a thing's alert rules remember, and its alerts.
public final class AlertState: ProcessorState {
    /// One rule. Idle ones are not kept.
    struct Rule {
        var name: String
        /// Since when the condition holds that has not held long enough yet.
        var pendingSince: EventTime?
        var isActive = false
        /// Somebody has cleared the alert by hand: the condition must end before it raises another.
        var isSuppressed = false
        /// The key of the alert that it has a part in.
        var key = ""
        /// Stream time of the last data, for `noData`.
        var lastData: EventTime?
        /// The timer that waits for data.
        var timer: EventTime?

        var isIdle: Bool { pendingSince == nil && !isActive && !isSuppressed && lastData == nil && timer == nil }
    }

    struct Alert {
        var key: String
        var rule: String
        var severity: AlertRow.Severity
        var message: String
        var raisedAt: EventTime
        var updatedAt: EventTime
        var acknowledgedAt: EventTime?
        var acknowledgedBy: String?
        var clearedAt: EventTime?
        var revision: Int64 = 0
        // Not kept: only of the epoch that changes it.
        var isDirty = false
        var topic = 0
        var offset: Int64 = -1

        var state: AlertRow.State { clearedAt != nil ? .cleared : acknowledgedAt != nil ? .acknowledged : .raised }
    }

    public static let version: UInt8 = 1

    /// In the order of the set's rules.
    var rules: [Rule] = []
    /// Those that stand.
    var alerts: [Alert] = []
    /// Cleared in the open epoch, written once more.
    var cleared: [Alert] = []
    /// Found again after a restore.
    var set: AlertSet?
    var generation = 0

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        func time() throws(StateFault) -> EventTime? {
            try reader.bool() ? EventTime(microseconds: try reader.int64()) : nil
        }
        for _ in 0..<(try reader.count()) {
            var rule = Rule(name: try reader.text())
            rule.pendingSince = try time()
            rule.isActive = try reader.bool()
            rule.isSuppressed = try reader.bool()
            rule.key = try reader.text()
            rule.lastData = try time()
            rule.timer = try time()
            rules.append(rule)
        }
        for _ in 0..<(try reader.count()) {
            let (key, rule) = (try reader.text(), try reader.text())
            let number = try reader.byte()
            guard let severity = AlertRow.Severity(rawValue: number) else {
                throw StateFault("\(number) is no severity")
            }
            var alert = Alert(
                key: key, rule: rule, severity: severity, message: try reader.text(),
                raisedAt: EventTime(microseconds: try reader.int64()),
                updatedAt: EventTime(microseconds: try reader.int64()))
            alert.acknowledgedAt = try time()
            if try reader.bool() { alert.acknowledgedBy = try reader.text() }
            alert.revision = try reader.int64()
            alerts.append(alert)
        }
    }

    public func encode(into writer: inout StateWriter) {
        func write(_ time: EventTime?) {
            writer.write(time != nil)
            if let time { writer.write(time.microseconds) }
        }
        let known = rules.filter { !$0.isIdle }
        writer.write(count: known.count)
        for rule in known {
            writer.write(rule.name)
            write(rule.pendingSince)
            writer.write(rule.isActive)
            writer.write(rule.isSuppressed)
            writer.write(rule.key)
            write(rule.lastData)
            write(rule.timer)
        }
        writer.write(count: alerts.count)
        for alert in alerts {
            writer.write(alert.key)
            writer.write(alert.rule)
            writer.write(alert.severity.rawValue)
            writer.write(alert.message)
            writer.write(alert.raisedAt.microseconds)
            writer.write(alert.updatedAt.microseconds)
            write(alert.acknowledgedAt)
            writer.write(alert.acknowledgedBy != nil)
            if let by = alert.acknowledgedBy { writer.write(by) }
            writer.write(alert.revision)
        }
    }

    public func copy() -> AlertState {
        let copy = AlertState()
        (copy.rules, copy.alerts, copy.cleared, copy.set, copy.generation) = (rules, alerts, cleared, set, generation)
        return copy
    }

    public var isEmpty: Bool { alerts.isEmpty && rules.allSatisfy(\.isIdle) }

    /// Takes another set; returns the rules that are gone and were active.
    func adopt(_ set: AlertSet, generation: Int) -> [Rule] {
        var before = rules
        rules = set.rules.map { rule in
            if let place = before.firstIndex(where: { $0.name.utf8.elementsEqual(rule.name.utf8) }) {
                return before.remove(at: place)
            }
            return Rule(name: rule.name)
        }
        self.set = set
        self.generation = generation
        return before.filter(\.isActive)
    }

    func place(ofAlert key: String) -> Int? { alerts.firstIndex { $0.key.utf8.elementsEqual(key.utf8) } }
}
