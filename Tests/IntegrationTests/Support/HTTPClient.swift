import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A blocking GET for tests; nil where nothing answers.
enum HTTPClient {
    struct Answer: Sendable {
        var status: Int
        var body: Data
        var headers: [String: String]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    static func get(_ url: String) -> Answer? {
        guard let url = URL(string: url) else { return nil }
        let done = DispatchSemaphore(value: 0)
        let answer = Mutex<Answer?>(nil)
        let session = URLSession(configuration: .ephemeral)
        defer { session.finishTasksAndInvalidate() }
        session.dataTask(with: url) { data, response, _ in
            if let response = response as? HTTPURLResponse {
                var headers: [String: String] = [:]
                for (key, value) in response.allHeaderFields { headers["\(key)".lowercased()] = "\(value)" }
                let body = data ?? Data()
                let status = response.statusCode
                answer.withLock { $0 = Answer(status: status, body: body, headers: headers) }
            }
            done.signal()
        }.resume()
        _ = done.wait(timeout: .now() + 10)
        return answer.withLock { $0 }
    }
}
