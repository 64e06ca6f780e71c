import EgizCore
import EgizOutbound
import EgizRuntime
import Synchronization
import Testing

/// Calls over HTTP, and how they end.
@Suite struct HTTPCallTransportTests {
    private func call(
        _ url: String, body: String = "{}", timeout: Duration = .seconds(20), most: Int = 1 << 20,
        cancels: Bool = false
    ) async -> CallOutcome {
        var policy = CallPolicy()
        policy.timeout = timeout
        policy.maxAnswerBytes = most
        let request = CallRequest(
            url: url, headers: [.init("Content-Type", "application/json"), .init("Idempotency-Key", "t:1")],
            body: Array(body.utf8), policy: policy)
        return await withCheckedContinuation { continuation in
            let handle = HTTPCallTransport().send(request) { continuation.resume(returning: $0) }
            if cancels { handle.cancel() }
        }
    }

    private func with(_ body: (LoopbackModel) async throws -> Void) async throws {
        let model = try await LoopbackModel.start()
        try await body(model)
        try await model.stop()
    }

    @Test func anAnswerComesWholeWithItsStatusAndHeaders() async throws {
        try await with { model in
            guard case .response(let response) = await call("\(model.url)/json", body: #"{"a":1}"#) else {
                Issue.record("no answer")
                return
            }
            #expect(response.status == 200 && response.body == Array(#"{"predictions":[1]}"#.utf8))
            #expect(response.header("egiz-model-version") == "7")
            let received = model.received.withLock { $0 }
            #expect(received.count == 1 && received[0].method == "POST" && received[0].body == Array(#"{"a":1}"#.utf8))
            #expect(received[0].headers["idempotency-key"] == "t:1")
            #expect(received[0].headers["content-length"] == "7")
        }
    }

    @Test func aGetHasNoBody() async throws {
        try await with { model in
            var request = CallRequest(url: "\(model.url)/json", headers: [], body: [], policy: CallPolicy())
            request.method = "GET"
            let outcome = await withCheckedContinuation { continuation in
                _ = HTTPCallTransport().send(request) { continuation.resume(returning: $0) }
            }
            guard case .response(let response) = outcome else {
                Issue.record("no answer")
                return
            }
            #expect(response.status == 200)
            let received = model.received.withLock { $0 }
            #expect(received.map(\.method) == ["GET"] && received[0].body.isEmpty)
            #expect(received[0].headers["content-length"] == nil)
        }
    }

    @Test(arguments: [404, 409, 500, 503])
    func otherStatusesAreAnswersToo(_ status: Int) async throws {
        try await with { model in
            guard case .response(let response) = await call("\(model.url)/status/\(status)") else {
                Issue.record("no answer")
                return
            }
            #expect(response.status == status)
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        try await with { model in
            guard case .response(let response) = await call("\(model.url)/redirect") else {
                Issue.record("no answer")
                return
            }
            #expect(response.status == 302 && model.received.withLock { $0.count } == 1)
        }
    }

    @Test(arguments: ["large", "large-chunked"])
    func anAnswerWithTooManyBytesIsGivenUp(_ path: String) async throws {
        try await with { model in
            guard case .tooLarge = await call("\(model.url)/\(path)") else {
                Issue.record("it was taken")
                return
            }
        }
    }

    @Test func whoHangsIsGivenUpWhenTheTimeIsOver() async throws {
        try await with { model in
            let start = ContinuousClock.now
            guard case .timedOut = await call("\(model.url)/hang", timeout: .milliseconds(200)) else {
                Issue.record("it answered")
                return
            }
            #expect(start.duration(to: .now) < .seconds(10))
        }
    }

    @Test func whoHangsUpCutsOffAndWhoIsNotThereIsAway() async throws {
        try await with { model in
            if case .cutOff = await call("\(model.url)/close") {} else { Issue.record("it hung up") }
            let gone = try await LoopbackModel.start()
            let address = gone.url
            try await gone.stop()
            if case .away = await call("\(address)/json") {} else { Issue.record("nobody listens") }
        }
    }

    @Test func aCallThatIsCancelledEnds() async throws {
        try await with { model in
            switch await call("\(model.url)/hang", cancels: true) {
            case .away, .cutOff: break
            default: Issue.record("it went on")
            }
        }
    }

    @Test func anAddressThatIsNoneIsAway() async {
        if case .away = await call("http://") {} else { Issue.record("it was called") }
        if case .away = await call("gopher://x/") {} else { Issue.record("it was called") }
    }
}
