import EgizCore
import EgizTesting
import EgizTwin
import Synchronization

/// The models of one test: they say what the test wrote down, question by question.
final class ScriptedModel: Sendable {
    private let left: Mutex<ModelAnswers>
    let endpoint: MemoryEndpoint

    init() {
        var healthy = JSONObject()
        healthy["score"] = .int(0)
        left = Mutex(ModelAnswers(version: "1", answers: [.object(healthy)]))
        endpoint = MemoryEndpoint { _ in .away("no answer was written down") }
        endpoint.answer { [weak self] request in
            .response(MemoryEndpoint.answer(to: request, version: self?.version) { _ in self?.next() ?? .null })
        }
    }

    func answer(_ answers: ModelAnswers) { left.withLock { $0 = answers } }

    private var version: String { left.withLock { $0.version } }

    private func next() -> JSONValue {
        left.withLock { $0.answers.count > 1 ? $0.answers.removeFirst() : $0.answers[0] }
    }
}
