import EgizCore
import EgizTwin

/// One rule: when an alert is raised, how long that must hold, and when it is cleared.
final class AlertCondition: Sendable {
    enum Trigger: Sendable {
        /// `isRelaxed`: the condition under which it goes on to hold; nil: the first one.
        case when(Expression, holdsOn: Expression?, clear: Expression?)
        /// No data for so many microseconds of stream time; of the path, or any.
        case noData(Int64, path: [String]?)
    }

    static let fields: [KindField] =
        [
            KindField("name", .string, required: true, "The rule's name, unique in its processor."),
            KindField("when", .expression(allowsValue: false), "The condition; exactly one of `when` and `noData`."),
            KindField(
                "clear", .expression(allowsValue: false),
                "The alert is cleared when this is true, and not merely when `when` is false."),
            KindField(
                "margin", .number,
                "How far a value must come back beyond the bound of `when`, which is a comparison with `<`, `<=`, `>` or `>=`, before the alert is cleared."
            ),
            KindField("for", .duration, default: "0s", "How long `when` must hold, in stream time."),
            KindField("noData", .duration, "An alert when nothing has come of a thing for so long, in stream time."),
            KindField("path", .path, "What `noData` waits for; any event where left out."),
            KindField(
                "severity", .choice(AlertRow.Severity.allCases.map(\.name)), default: "warning", "How bad it is."),
            KindField(
                "message", .template(allowsValue: false), required: true,
                "What the alert says: a text with expressions in braces, filled in when the alert is raised or updated."
            ),
            KindField(
                "key", .template(allowsValue: false),
                "Rules with one key share one alert of a thing, which has the highest severity of those that hold; the rule's name where left out."
            ),
        ] + TwinSelector.fields

    let name: String
    let selector: TwinSelector
    let trigger: Trigger
    /// In microseconds.
    let hold: Int64
    let severity: AlertRow.Severity
    let message: TextTemplate
    /// Nil: the name.
    let key: TextTemplate?

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        guard let name = try reader.text("name"), !name.utf8.isEmpty, name.utf8.count <= 256 else {
            throw reader.fault("name", "a name of 1 to 256 bytes")
        }
        self.name = name
        selector = try TwinSelector(reader)
        hold = try reader.duration("for") ?? 0
        let word = try reader.text("severity") ?? "warning"
        guard let severity = AlertRow.Severity(name: word) else {
            throw reader.fault("severity", AlertRow.Severity.allCases.map(\.name).joined(separator: ", "))
        }
        self.severity = severity
        guard let message = try reader.template("message") else { throw reader.fault("message", "a text") }
        self.message = message
        key = try reader.template("key")
        trigger = try Self.trigger(reader, hold: hold)
    }

    private static func trigger(_ reader: SettingsReader, hold: Int64) throws(TopologyFaults) -> Trigger {
        func misplaced(_ word: String, _ why: String) -> TopologyFaults {
            reader.fault(at: reader.value(word)?.mark ?? reader.mark, "\(reader.path).\(word): \(why)")
        }
        guard reader.has("when") != reader.has("noData") else {
            let found = reader.has("when") ? "both `when` and `noData`" : "neither `when` nor `noData`"
            throw reader.fault(at: reader.mark, "\(reader.path): found \(found), expected one of them")
        }
        if let silence = try reader.duration("noData") {
            guard silence > 0 else { throw reader.fault("noData", "a duration above zero") }
            for word in ["clear", "margin"] where reader.has(word) {
                throw misplaced(word, "has a meaning only beside `when`; data clears an alert of `noData`")
            }
            guard hold == 0 else { throw misplaced("for", "has a meaning only beside `when`; `noData` says how long") }
            return .noData(silence, path: try reader.path("path")?.paths.first)
        }
        guard !reader.has("path") else { throw misplaced("path", "has a meaning only beside `noData`") }
        guard let when = try reader.expression("when") else { throw reader.fault("when", "an expression") }
        let clear = try reader.expression("clear")
        guard let margin = try reader.number("margin") else { return .when(when, holdsOn: nil, clear: clear) }
        guard clear == nil else { throw misplaced("margin", "stands beside `clear`, expected one of them") }
        guard margin >= 0, margin.isFinite else { throw reader.fault("margin", "a number of at least 0") }
        guard let relaxed = when.relaxed(by: margin) else {
            throw misplaced(
                "margin", "needs a comparison with `<`, `<=`, `>` or `>=` in `when`; write `clear` otherwise")
        }
        return .when(when, holdsOn: relaxed, clear: nil)
    }

    /// Every path that decides, and whether something decides that changes with every event.
    var reads: (paths: [[String]], always: Bool) {
        switch trigger {
        case .when(let when, _, let clear):
            let all = [when] + [clear].compactMap { $0 }
            return (all.flatMap(\.paths), all.contains { $0.inputs.contains(where: \.changesAlways) })
        case .noData: return ([], false)
        }
    }

    enum Verdict { case holds, ends, failed }

    /// - Parameter isActive: the alert stands: then it is asked whether it goes on to hold.
    func verdict(_ view: ThingView, isActive: Bool) -> Verdict {
        guard case .when(let when, let holdsOn, let clear) = trigger, !view.isGone else { return .ends }
        let value = view.evaluate(isActive ? holdsOn ?? when : when)
        if value.isFailed { return .failed }
        // What is missing is no reason for an alert, and ends one.
        if value.isMissing { return .ends }
        guard isActive, let clear else { return Self.verdict(of: value) }
        let end = view.evaluate(clear)
        return end.isFailed ? .failed : end.isTrue ? .ends : .holds
    }

    private static func verdict(of value: ExpressionValue) -> Verdict {
        switch value {
        case .boolean(true): .holds
        case .boolean(false), .null: .ends
        default: .failed
        }
    }
}
