import EgizCore
import EgizTwin

/// One look at the rules of one thing: by an event, a timer, a person or a change of rules.
struct AlertWork {
    private let processor: AlertRule
    private let state: AlertState
    private let view: ThingView
    private let streamTime: EventTime
    private let topic: Int
    private let offset: Int64

    init(_ processor: AlertRule, _ change: borrowing TwinChange, _ state: AlertState) {
        (self.processor, self.state) = (processor, state)
        view = ThingView(change)
        (streamTime, topic, offset) = (change.streamTime, change.topic, change.offset)
    }

    init(_ processor: AlertRule, _ tick: TimerTick, _ state: AlertState) {
        (self.processor, self.state) = (processor, state)
        view = ThingView(tick)
        (streamTime, topic, offset) = (tick.streamTime, 0, -1)
    }

    private func condition(_ rule: Int) -> AlertCondition? {
        guard let set = state.set, set.rules.indices.contains(rule) else { return nil }
        return set.rules[rule]
    }

    // MARK: Rules

    mutating func evaluate(_ rule: Int, isData: Bool, _ effects: inout RecordEffects) {
        guard let condition = condition(rule) else { return }
        if case .noData(let silence, _) = condition.trigger {
            return noteData(rule, silence, isData: isData, &effects)
        }
        switch condition.verdict(view, isActive: state.rules[rule].isActive) {
        case .failed:
            effects.countRuleError()
            // A raised alert stays as it is; of one that is only waited for nobody knows any more that it holds.
            forgetPending(rule, condition, &effects)
        case .holds:
            guard !state.rules[rule].isActive, !state.rules[rule].isSuppressed, state.rules[rule].pendingSince == nil
            else { return }
            guard condition.hold > 0 else { return raise(rule, at: view.time, &effects) }
            // Stream time: a device whose clock is behind must not be believed to have held for long.
            state.rules[rule].pendingSince = streamTime
            effects.setTimer(at: streamTime.advanced(byMicroseconds: condition.hold))
        case .ends:
            forgetPending(rule, condition, &effects)
            state.rules[rule].isSuppressed = false
            if state.rules[rule].isActive { lower(rule, &effects) }
        }
    }

    /// The condition holds no longer, or nobody knows.
    private mutating func forgetPending(_ rule: Int, _ condition: AlertCondition, _ effects: inout RecordEffects) {
        guard let since = state.rules[rule].pendingSince else { return }
        state.rules[rule].pendingSince = nil
        release(since.advanced(byMicroseconds: condition.hold), &effects)
    }

    /// Data has come, or a thing is met for the first time. One timer waits for the next silence; it looks again when it fires, so
    /// that data costs no timer each.
    private mutating func noteData(_ rule: Int, _ silence: Int64, isData: Bool, _ effects: inout RecordEffects) {
        guard !view.isGone else {
            state.rules[rule].lastData = nil
            if let timer = state.rules[rule].timer {
                state.rules[rule].timer = nil
                release(timer, &effects)
            }
            state.rules[rule].isSuppressed = false
            if state.rules[rule].isActive { lower(rule, &effects) }
            return
        }
        guard isData || state.rules[rule].lastData == nil else { return }
        state.rules[rule].lastData = streamTime
        state.rules[rule].isSuppressed = false
        if state.rules[rule].isActive { lower(rule, &effects) }
        guard state.rules[rule].timer == nil else { return }
        let due = streamTime.advanced(byMicroseconds: silence)
        state.rules[rule].timer = due
        effects.setTimer(at: due)
    }

    /// A timer is wanted no more: of a condition that flaps one a flap would stay, and fire for nothing. A thing's rules share their
    /// timers, so it goes only with the last that waits for it.
    private func release(_ due: EventTime, _ effects: inout RecordEffects) {
        for rule in state.rules.indices where awaited(by: rule) == due { return }
        effects.cancelTimer(at: due)
    }

    /// The timer that a rule waits for.
    private func awaited(by rule: Int) -> EventTime? {
        guard let condition = condition(rule) else { return nil }
        switch condition.trigger {
        case .when: return state.rules[rule].pendingSince.map { $0.advanced(byMicroseconds: condition.hold) }
        case .noData: return state.rules[rule].timer
        }
    }

    /// Sets the timers of a rule once more: while a version of the topology was without its processor, they were dropped. One for a
    /// silence that was longer before is due sooner now.
    mutating func setTimer(of rule: Int, _ effects: inout RecordEffects) {
        guard var due = awaited(by: rule) else { return }
        if case .noData(let silence, _)? = condition(rule)?.trigger, let last = state.rules[rule].lastData {
            let sooner = last.advanced(byMicroseconds: silence)
            if sooner < due {
                state.rules[rule].timer = sooner
                release(due, &effects)
                due = sooner
            }
        }
        effects.setTimer(at: due)
    }

    mutating func tick(_ rule: Int, _ tick: TimerTick, _ effects: inout RecordEffects) {
        guard let condition = condition(rule) else { return }
        switch condition.trigger {
        case .when:
            guard let since = state.rules[rule].pendingSince else { return }
            let due = since.advanced(byMicroseconds: condition.hold)
            guard due <= tick.due else {
                // The rule asks for a longer while than when the timer was set.
                effects.setTimer(at: due)
                return
            }
            raise(rule, at: due, &effects)
        case .noData(let silence, _):
            guard let timer = state.rules[rule].timer, timer <= tick.due else { return }
            state.rules[rule].timer = nil
            guard let last = state.rules[rule].lastData, !state.rules[rule].isActive, !state.rules[rule].isSuppressed
            else { return }
            let due = last.advanced(byMicroseconds: silence)
            if due > tick.due {
                state.rules[rule].timer = due
                effects.setTimer(at: due)
            } else {
                raise(rule, at: due, &effects)
            }
        }
    }

    // MARK: Alerts

    private mutating func raise(_ rule: Int, at time: EventTime, _ effects: inout RecordEffects) {
        guard let condition = condition(rule) else { return }
        state.rules[rule].pendingSince = nil
        state.rules[rule].isActive = true
        let key = condition.key.map { Self.key(view.text($0)) } ?? condition.name
        state.rules[rule].key = key
        if state.place(ofAlert: key) != nil { return settle(key, at: time, &effects) }
        var alert = AlertState.Alert(
            key: key, rule: condition.name, severity: condition.severity, message: view.text(condition.message),
            raisedAt: time, updatedAt: time)
        note(&alert, time)
        state.alerts.append(alert)
        effects.countAlert()
        tell("raised", alert, at: time, by: nil, &effects)
    }

    /// A key is part of an index and of what people name: bounded, and without the character that Postgres cannot hold.
    private static func key(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > 512 { break }
            result.append(scalar.value == 0 ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }

    private mutating func lower(_ rule: Int, _ effects: inout RecordEffects) {
        state.rules[rule].isActive = false
        settle(state.rules[rule].key, &effects)
        state.rules[rule].key = ""
    }

    mutating func settle(_ key: String, _ effects: inout RecordEffects) { settle(key, at: view.time, &effects) }

    /// Brings the alert of a key in step with the rules that hold: the most severe of them speaks, the first of equals; without
    /// any the alert is cleared.
    private mutating func settle(_ key: String, at time: EventTime, _ effects: inout RecordEffects) {
        guard let place = state.place(ofAlert: key), let set = state.set else { return }
        var top: AlertCondition?
        for (rule, condition) in zip(state.rules, set.rules)
        where rule.isActive && rule.key.utf8.elementsEqual(key.utf8) {
            if let known = top, known.severity >= condition.severity { continue }
            top = condition
        }
        guard let top else { return end(place, at: time, by: nil, &effects) }
        guard
            !top.name.utf8.elementsEqual(state.alerts[place].rule.utf8) || top.severity != state.alerts[place].severity
        else { return }
        if top.severity > state.alerts[place].severity {
            // What got worse was not what somebody has seen.
            state.alerts[place].acknowledgedAt = nil
            state.alerts[place].acknowledgedBy = nil
        }
        state.alerts[place].rule = top.name
        state.alerts[place].severity = top.severity
        state.alerts[place].message = view.text(top.message)
        note(&state.alerts[place], time)
        tell("updated", state.alerts[place], at: time, by: nil, &effects)
    }

    private mutating func end(_ place: Int, at time: EventTime, by person: String?, _ effects: inout RecordEffects) {
        var alert = state.alerts.remove(at: place)
        alert.clearedAt = time
        note(&alert, time)
        state.cleared.append(alert)
        tell("cleared", alert, at: time, by: person, &effects)
    }

    // MARK: People

    /// The alert that a person saw: a newer one of the same key is another. Messages of older programs do not say which.
    private func place(of message: InboxMessage) -> Int? {
        guard let place = state.place(ofAlert: message.subject) else { return nil }
        guard let raisedAt = message.raisedAt else { return place }
        return state.alerts[place].raisedAt == raisedAt ? place : nil
    }

    mutating func acknowledge(_ message: InboxMessage, _ effects: inout RecordEffects) {
        guard let place = place(of: message), state.alerts[place].acknowledgedAt == nil else { return }
        let person = message.by
        state.alerts[place].acknowledgedAt = view.time
        state.alerts[place].acknowledgedBy = person
        note(&state.alerts[place], view.time)
        tell("acknowledged", state.alerts[place], at: view.time, by: person, &effects)
    }

    /// Clears an alert although its rules hold; they must end before they raise another.
    mutating func clear(_ message: InboxMessage, _ effects: inout RecordEffects) {
        guard let place = place(of: message) else { return }
        let (key, person) = (state.alerts[place].key, message.by)
        for rule in state.rules.indices
        where state.rules[rule].isActive && state.rules[rule].key.utf8.elementsEqual(key.utf8) {
            state.rules[rule].isActive = false
            state.rules[rule].isSuppressed = true
            state.rules[rule].key = ""
        }
        end(place, at: view.time, by: person, &effects)
    }

    // MARK: Records

    private func note(_ alert: inout AlertState.Alert, _ time: EventTime) {
        alert.updatedAt = time
        (alert.revision, alert.topic, alert.offset, alert.isDirty) = (view.revision, topic, offset, true)
    }

    private func tell(
        _ event: String, _ alert: AlertState.Alert, at time: EventTime, by person: String?,
        _ effects: inout RecordEffects
    ) {
        guard let topic = processor.topic else { return }
        var text = JSONObjectText(reserving: 512)
        text.open()
        text.member("event", event)
        text.member("thingId", view.thing.text)
        text.member("key", alert.key)
        text.member("rule", alert.rule)
        text.member("severity", alert.severity.name)
        text.member("state", alert.state.rawValue)
        text.member("message", alert.message)
        text.member("raisedAt", alert.raisedAt)
        text.member("time", time)
        text.member("revision", alert.revision)
        if let person { text.member("by", person) }
        if let position = effects.position(topic: self.topic, offset: offset) {
            RuleRecords.cause(position, into: &text)
        }
        text.close()
        // A few kilobytes at most: smaller than any broker's limit.
        do throws(RecordFault) { try effects.emit(to: topic, value: text.bytes) } catch { effects.countRuleError() }
    }
}
