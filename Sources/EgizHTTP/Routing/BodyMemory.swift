import HTTPTypes
import Synchronization

/// The memory that bodies of requests may take together: each is read whole, and thousands of connections may send one at a time.
///
/// Small ones are not counted. One caller gets half of it at most, so that nobody keeps all others from uploading. Safe from any thread.
final class BodyMemory: Sendable {
    /// Bytes of each body that are not counted: as many as sign in, and less than it takes to count.
    static let uncounted = 16 << 10

    private struct State {
        var left: Int
        var taken: [String: Int] = [:]
    }

    private let mostOfOne: Int
    private let state: Mutex<State>

    init(_ bytes: Int = 128 << 20) {
        mostOfOne = bytes / 2
        state = Mutex(State(left: bytes))
    }

    /// False where there is no room for it now.
    func take(_ bytes: Int, for caller: String) -> Bool {
        guard bytes > 0 else { return true }
        return state.withLock { state in
            let taken = (state.taken[caller] ?? 0) + bytes
            guard bytes <= state.left, taken <= mostOfOne else { return false }
            state.left -= bytes
            state.taken[caller] = taken
            return true
        }
    }

    func giveBack(_ bytes: Int, of caller: String) {
        guard bytes > 0 else { return }
        state.withLock { state in
            state.left += bytes
            let taken = (state.taken[caller] ?? 0) - bytes
            state.taken[caller] = taken > 0 ? taken : nil
        }
    }

    var left: Int { state.withLock { $0.left } }
}

extension Problem {
    static let noRoomForBody = Problem(
        code: "busy", status: .serviceUnavailable, title: "Too many uploads at once",
        detail:
            "The server reads as many large bodies as it has room for, yours and those of others. Try again in a few seconds.",
        headers: [.retryAfter: "5"])
}
