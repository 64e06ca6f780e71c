import EgizCore
import EgizPostgres
import Synchronization

@testable import EgizHTTP

/// Whose things are, as tests say.
final class MemoryOwners: LiveOwners {
    private struct State {
        var projects: [String: ProjectID] = [:]
        var failures = 0
        var questions = 0
    }

    private let state = Mutex(State())

    /// The next questions are not answered.
    func fail(_ times: Int) { state.withLock { $0.failures = times } }

    /// Questions for projects so far.
    var questions: Int { state.withLock { $0.questions } }

    func own(_ thing: String, _ project: ProjectID?) { state.withLock { $0.projects[thing] = project } }

    func projects(of things: [String]) async throws -> [ProjectID?] {
        try state.withLock { state in
            state.questions += 1
            if state.failures > 0 {
                state.failures -= 1
                throw EngineError(.postgres, .backoff, "no database connection came free")
            }
            return things.map { state.projects[$0] }
        }
    }

    func moves(after: Int64?) async throws -> (moves: [LiveMove], last: Int64, isWhole: Bool) {
        ([], 0, true)
    }
}
