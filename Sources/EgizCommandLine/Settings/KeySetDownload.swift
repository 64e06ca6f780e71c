import EgizCore
import EgizOutbound
import EgizRuntime

/// Fetches the keys of an identity provider.
enum KeySetDownload {
    /// Errors: `.config`/`.backoff` for anything but an answer of 200 within ten seconds and a mebibyte.
    static func text(of url: String) async throws -> String {
        var policy = CallPolicy()
        policy.timeout = .seconds(10)
        policy.maxAnswerBytes = 1 << 20
        var request = CallRequest(url: url, headers: [.init("accept", "application/json")], body: [], policy: policy)
        request.method = "GET"
        let outcome = await withCheckedContinuation { [request] continuation in
            _ = HTTPCallTransport().send(request) { continuation.resume(returning: $0) }
        }
        guard case .response(let response) = outcome, response.status == 200 else {
            throw EngineError(.config, .backoff, "the keys at \(url) cannot be fetched")
        }
        return String(decoding: response.body, as: UTF8.self)
    }
}
