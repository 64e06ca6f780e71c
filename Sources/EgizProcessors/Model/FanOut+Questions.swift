import EgizCore
import EgizTwin

/// What is asked.
extension FanOut {
    func ask(
        _ task: ModelTask, _ view: ThingView, _ streamTime: EventTime, _ topic: Int, _ offset: Int64,
        _ state: FanOutState, _ effects: inout RecordEffects
    ) {
        if let condition = task.condition {
            let verdict = view.evaluate(condition)
            if verdict.isFailed { effects.countRuleError() }
            guard verdict.isTrue else { return }
        }
        var features = JSONObject()
        var missing = JSONObject()
        for feature in task.features {
            if let value = value(of: feature, view, state) {
                features[feature.name] = value
                if feature.missing == .last { state.lasts[feature.signature] = value }
                continue
            }
            switch feature.missing {
            case .skip: return
            case .default:
                features[feature.name] = feature.fallback
                missing[feature.name] = .string(feature.fallback == .null ? "null" : "default")
            case .last:
                guard let last = state.lasts[feature.signature] else { return }
                features[feature.name] = last
                missing[feature.name] = .string("last")
            }
        }
        guard let position = effects.position(topic: topic, offset: offset) else { return }
        var metadata = JSONObject()
        metadata["input"] = RuleRecords.cause(position)
        metadata["revision"] = .int(view.revision)
        metadata["time"] = .string(view.time.text)
        metadata["streamTime"] = .string(streamTime.text)
        metadata["trigger"] = .string(task.trigger.rawValue)
        if !missing.isEmpty { metadata["missing"] = .object(missing) }
        var question = JSONObject()
        question["thingId"] = .string(view.thing.text)
        question["task"] = .string(task.name)
        question["model"] = .string(task.model)
        question["features"] = .object(features)
        question["metadata"] = .object(metadata)
        var bytes: [UInt8] = []
        JSONValue.object(question).write(into: &bytes)
        do throws(RecordFault) {
            try effects.emit(to: self.topic, value: bytes)
            effects.countQuestion()
        } catch {
            effects.countRuleError()
        }
    }

    private func value(of feature: Feature, _ view: ThingView, _ state: FanOutState) -> JSONValue? {
        guard let aggregate = feature.aggregate else {
            let value = view.twin?.value(at: feature.path)
            return value == .null ? nil : value
        }
        guard let window = state.windows[feature.signature] else { return nil }
        return window.value(aggregate, at: view.time.microseconds, length: feature.length)
    }
}
