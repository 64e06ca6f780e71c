import EgizCore
import EgizProcessors
import EgizTopologyFile

/// What goes wrong, and what the world outside says.
extension StepReader {
    func fault(_ body: ConfigValue) -> TestStep.Action? {
        let path = "\(path).fault"
        if case .string(let name) = body.content {
            switch name {
            case "crash": return .fault(.crash)
            case "rebalance": return .fault(.rebalance)
            case "postgres-away": return .fault(.postgresAway(1))
            case "answer-lost": return .fault(.answerLost(1))
            case "bad-json": return .fault(.badJSON(topic: nil))
            case "data-error":
                faults.error(
                    at: body.mark, "`\(path)`: say which text Postgres refuses: `fault: { data-error: \"-17\" }`")
            case _ where TestVocabulary.worldFaults.contains(name):
                guard hasWorld(for: name, at: body.mark) else { return nil }
                switch name {
                case "model-status": return .fault(.modelStatus(500))
                case "model-away": return .fault(.modelAway(1))
                case "model-slow": return .fault(.modelSlow(1))
                case "receiver-status": return .fault(.receiverStatus(500))
                case "receiver-away": return .fault(.receiverAway(1))
                case "receiver-slow": return .fault(.receiverSlow(1))
                default: return .fault(.modelText("no JSON"))
                }
            default:
                faults.error(
                    at: body.mark,
                    "`\(path)`: found \(body.found), expected \(Word.Shape.list(TestVocabulary.faults))\(ValueCheck.hint(for: name, among: TestVocabulary.faults))"
                )
            }
            return nil
        }
        if case .map(let members) = body.content,
            let outside = members.first(where: { TestVocabulary.worldFaults.contains($0.key) }),
            !hasWorld(for: outside.key, at: outside.mark)
        {
            return nil
        }
        guard let reader = MapReader(body, at: body.mark, path, TestVocabulary.fault, faults) else { return nil }
        let present = TestVocabulary.fault.map(\.name).filter { reader.raw($0) != nil }
        guard present.count == 1, let word = present.first else {
            if present.count > 1 {
                faults.error(at: body.mark, "`\(path)`: expected one fault in each step")
            } else if case .map(let members) = body.content, members.isEmpty {
                faults.error(at: body.mark, "`\(path)`: expected \(Word.Shape.list(TestVocabulary.faults))")
            }
            return nil
        }
        switch word {
        case "crash": return reader.value(word).map { _ in .fault(.crash) }
        case "rebalance": return reader.value(word).map { _ in .fault(.rebalance) }
        case "postgres-away": return reader.int(word).map { .fault(.postgresAway(Int($0))) }
        case "answer-lost": return reader.int(word).map { .fault(.answerLost(Int($0))) }
        case "data-error": return reader.string(word).map { .fault(.dataError($0)) }
        case "model-status": return reader.int(word).map { .fault(.modelStatus(Int($0))) }
        case "model-away": return reader.int(word).map { .fault(.modelAway(Int($0))) }
        case "model-slow": return reader.int(word).map { .fault(.modelSlow(Int($0))) }
        case "model-text": return reader.string(word).map { .fault(.modelText($0)) }
        case "receiver-status": return reader.int(word).map { .fault(.receiverStatus(Int($0))) }
        case "receiver-away": return reader.int(word).map { .fault(.receiverAway(Int($0))) }
        case "receiver-slow": return reader.int(word).map { .fault(.receiverSlow(Int($0))) }
        default:
            return reader.string(word).flatMap { context.topic($0, at: reader.raw(word)?.mark ?? body.mark) }
                .map { .fault(.badJSON(topic: $0)) }
        }
    }

    /// Whether the topology asks whomever the fault is about.
    private func hasWorld(for fault: String, at mark: SourceMark) -> Bool {
        fault.hasPrefix("receiver-")
            ? calls(Webhook.spec.kind, "delivers to a receiver", "fault`: `\(fault)", at: mark)
            : calls(ModelCaller.spec.kind, "calls a model", "fault`: `\(fault)", at: mark)
    }

    private func calls(_ kind: String, _ what: String, _ name: String, at mark: SourceMark) -> Bool {
        if context.topology.processors.contains(where: { $0.kind == kind }) { return true }
        faults.error(at: mark, "`\(path).\(name)`: no processor of this topology \(what)")
        return false
    }

    func model(_ body: ConfigValue) -> TestStep.Action? {
        guard let reader = MapReader(body, at: body.mark, "\(path).model", TestVocabulary.model, faults),
            calls(ModelCaller.spec.kind, "calls a model", "model", at: body.mark), let value = reader.raw("answers")
        else { return nil }
        guard case .list(let answers) = value.content, !answers.isEmpty else {
            faults.error(
                at: value.mark, "`\(path).model.answers`: found \(value.found), expected a list that is not empty")
            return nil
        }
        return .model(ModelAnswers(version: reader.string("version") ?? "1", answers: answers.map(\.json)))
    }
}
