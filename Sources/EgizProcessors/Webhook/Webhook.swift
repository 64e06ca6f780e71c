public import EgizCore
import EgizTwin

/// The kind `webhook`: delivers the records of a topic to somebody outside, one `POST` each, signed.
///
/// A stage of its own with its own lag (rule 22): deliveries are at least once with a key that a retry repeats; in the order of each
/// key, unless that is not asked for. Secrets are named in the topology and read from the environment of the worker.
public final class Webhook: Caller {
    public static let spec = KindSpec(
        kind: "webhook",
        summary: """
            Delivers every record of its source by `POST` to an address outside, signed with HMAC-SHA256, and tries again for as \
            long as it should; a stage of its own, so a receiver that hangs delays nothing else. What is given up is a dead letter.
            """,
        input: .records,
        output: .none,
        projections: [],
        fields: [
            .init("url", .string, "Where the records go, `https://…`."),
            .init(
                "urlFrom", .string,
                "The environment variable that holds the address, where that is a secret itself; instead of `url`."),
            .init(
                "secret", .string,
                "The environment variable that holds the secret of the signature `Egiz-Signature`; without it nothing is signed."
            ),
            .init("token", .string, "The environment variable that holds a bearer token for the receiver."),
            .init(
                "tries", .int(1...10_000), default: "20",
                "Tries while nobody is there, or he is too busy; then the record is a dead letter."),
            .init(
                "ordered", .bool, default: "true",
                "No record is delivered before those of its key that came earlier; `false` lets them overtake each other."
            ),
            .init("to", .topic, "A topic for what became of each delivery; without it, none is written."),
        ] + CallPolicy.fields,
        metrics: [
            .init("calls", "calls that were made for records that are done"),
            .init("answered", "records that were tried to their end"),
            .init("callFaults", "records that were given up"),
            .init("callsDropped", "records that were too old (`maxAge`)"),
        ],
        messages: ["to": "delivery.v1.schema.json"],
        example: """
            pager:
              kind: webhook
              from: alerts
              url: https://alerts.example.com/egiz
              secret: EGIZ_PAGER_SECRET
              to: webhook.deliveries.v1
              timeout: 5s
            """)

    public let policy: CallPolicy
    public let lanes: [CallLane]
    private let target: WebhookTarget
    private let secret: String?
    private let token: String?
    private let topic: String?
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        target = try WebhookTarget(reader)
        secret = try WebhookTarget.variable(reader, "secret")
        token = try WebhookTarget.variable(reader, "token")
        topic = try reader.text("to")
        var policy = try CallPolicy.policy(reader)
        policy.batchSize = 1
        policy.mostAttempts = try reader.integer("tries") ?? 20
        policy.keepsOrder = try reader.bool("ordered")
        self.policy = policy
        lanes = [CallLane(name: target.host ?? definition.name)]
    }

    public func read(_ record: CallRecord) -> CallIntake {
        // There is nothing to deliver.
        guard let value = record.value else { return .skip }
        let thing = record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) }
        return .call(CallQuestion(thing: thing, payload: .null, size: value.count))
    }

    public func request(_ items: [CallItem], lane: Int, tools: CallTools) -> CallRequest {
        let record = items[0].record
        let body = record.value ?? []
        var headers = [
            CallRequest.Header("Content-Type", isJSON(body) ? "application/json" : "application/octet-stream"),
            CallRequest.Header("User-Agent", "digital-egiz"),
            // A retry says the same: the receiver can tell that he has it already.
            CallRequest.Header("Idempotency-Key", Self.key(record.id)),
            CallRequest.Header("Egiz-Topic", record.topicName),
        ]
        if let trace = record.header("traceparent"), Self.isPlain(trace) {
            headers.append(CallRequest.Header("traceparent", trace))
        }
        var problem: String?
        func value(of variable: String, for what: String) -> String {
            if let value = tools.environment(variable), !value.utf8.isEmpty { return value }
            problem = "the environment variable \(variable) with \(what) is not set; set it and start the worker again"
            return ""
        }
        var url = target.url ?? ""
        if let variable = target.variable { url = value(of: variable, for: "the address") }
        if let token {
            headers.append(CallRequest.Header("Authorization", "Bearer \(value(of: token, for: "the token"))"))
        }
        if let secret {
            let key = value(of: secret, for: "the secret")
            headers.append(CallRequest.Header("Egiz-Signature", Self.signature(body, key, at: tools.now)))
        }
        var request = CallRequest(url: url, headers: headers, body: body, policy: policy)
        request.problem = problem
        return request
    }

    /// `t=<seconds since 1970>,v1=<hex>`: the HMAC-SHA256 of `<seconds>.<body>`. The time is in it so that nobody who has overheard a
    /// delivery can repeat it for ever.
    static func signature(_ body: [UInt8], _ secret: String, at now: EventTime) -> String {
        let seconds = "\(now.microseconds / 1_000_000)"
        let digest = HMAC.sha256(Array(seconds.utf8) + [UInt8(ascii: ".")] + body, secret: Array(secret.utf8))
        return "t=\(seconds),v1=\(digest.hex)"
    }

    private func isJSON(_ body: [UInt8]) -> Bool { (try? parser.parse(body)) != nil }

    /// Any producer can call a record anything: what may not stand in a header is named by its hash.
    private static func key(_ id: String) -> String {
        isPlain(id) && !id.utf8.isEmpty ? id : SHA256.hash(Array(id.utf8)).hex
    }

    /// Without what would begin another header.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= 256 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    public func verdict(on response: CallResponse, to items: [CallItem], lane: Int) -> CallVerdict {
        guard (200..<300).contains(response.status) else { return CallVerdict.ofStatus(response) }
        return .answered([.value(.int(Int64(response.status)))])
    }

    public func outputs(of item: CallItem, replies: [CallReply]) -> [CallOutput] {
        guard let topic, let reply = replies.first else { return [] }
        var object = JSONObject()
        object["id"] = .string(item.record.id)
        if let thing = item.question.thing { object["thingId"] = .string(thing.text) }
        object["host"] = .string(lanes[0].name)
        switch reply.answer {
        case .value(let status):
            object["delivered"] = .bool(true)
            object["status"] = status
        case .failed(let fault):
            object["delivered"] = .bool(false)
            var error = JSONObject()
            error["code"] = .string(fault.code)
            error["message"] = .string(fault.message)
            object["error"] = .object(error)
        }
        object["attempts"] = .int(Int64(reply.attempts))
        let (seconds, attoseconds) = reply.latency.components
        object["latencyMs"] = .int(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        object["cause"] = RuleRecords.cause(item.record.position)
        var bytes: [UInt8] = []
        JSONValue.object(object).write(into: &bytes)
        return [CallOutput(topic: topic, value: bytes)]
    }
}
