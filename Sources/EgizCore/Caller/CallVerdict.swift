public import EgizTwin

/// Why a call, or one record of it, failed.
public struct CallFault: Error, Sendable, Equatable {
    /// A stable word of lower-case letters, digits and hyphens.
    public var code: String
    /// For people; no payloads, no secrets.
    public var message: String

    public init(_ code: String, _ message: String) { (self.code, self.message) = (code, message) }
}

/// What an answer says of one record.
public enum CallAnswer: Sendable, Equatable {
    case value(JSONValue)
    /// This record can never be answered.
    case failed(CallFault)
}

/// What became of one record in one lane.
public struct CallReply: Sendable, Equatable {
    public var answer: CallAnswer
    /// Calls that it took; 0 where none was made.
    public var attempts: Int
    /// From the start of the call that was answered to its answer.
    public var latency: Duration

    public init(_ answer: CallAnswer, attempts: Int, latency: Duration) {
        (self.answer, self.attempts, self.latency) = (answer, attempts, latency)
    }

    public var fault: CallFault? {
        if case .failed(let fault) = answer { return fault }
        return nil
    }
}

/// Whose fault it may be that a call was not answered.
public enum CallBlame: Sendable, Equatable {
    /// Almost always nobody's: somebody between here and the service answered that he got no answer, or that he does not let this through.
    case gateway
    /// Nobody's: not connected, not let in, or asked for patience.
    case weather
    /// Perhaps that of the records: they were sent, and no answer came in time or the connection broke.
    case perhaps
    /// Somebody answered, with an error of his own that may be these records'.
    case records
}

/// What an answer, or its absence, means for a batch. Three kinds of failures (contract 7 of the design): weather, an answer of no
/// use, and a question of no use.
public enum CallVerdict: Sendable, Equatable {
    /// One for each record, in their order.
    case answered([CallAnswer])
    /// Nobody is there, too busy, or lets nobody in: tried again for as long as it takes (`policy.mostAttempts`). Weather never becomes a dead letter,
    /// whatever else is answered; what may be the records' fault does where other calls are answered meanwhile, or where the service
    /// says that it is well (`policy.poisonAfter`; only `.records`). A gateway is believed where others were answered between any two
    /// tries for `policy.poisonAfter`, and never without it.
    case unavailable(CallFault, retryAfter: Duration? = nil, blame: CallBlame = .weather)
    /// The answer is of no use, the next one may be: tried again `policy.attempts` times, then one by one where it `splits`, then dead.
    case faulty(CallFault, splits: Bool)
    /// The request is refused: tried again only one by one, where it `splits`.
    case refused(CallFault, splits: Bool)

    /// What a status beside 2xx means, where the service says nothing better.
    public static func ofStatus(_ response: CallResponse, message: String? = nil) -> CallVerdict {
        let fault = CallFault("http-\(response.status)", message ?? "the answer has the status \(response.status)")
        let patience = response.retryAfter
        switch response.status {
        // A gateway that has nobody behind it, or whose service broke over it.
        case 502, 504: return .unavailable(fault, retryAfter: patience, blame: patience == nil ? .gateway : .weather)
        // Everybody who asks for patience.
        case 408, 425, 429, 503: return .unavailable(fault, retryAfter: patience)
        case 500...:
            return .unavailable(fault, retryAfter: patience, blame: patience == nil ? .records : .weather)
        case 400, 411, 413, 414, 415, 422, 431: return .refused(fault, splits: true)
        case 404, 410: return .faulty(fault, splits: false)
        case 400..<500: return .refused(fault, splits: false)
        default: return .faulty(fault, splits: false)
        }
    }
}

/// A record that goes out when another is done; its `egiz-id` comes from that one's place (rule 11).
public struct CallOutput: Sendable, Equatable {
    public var topic: String
    /// Nil: the key of the record.
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [DeadLetter.Header]
    /// The value instead, where the record is larger than Kafka takes; nil: then there is none.
    public var ifTooLarge: [UInt8]?
    /// The record that was asked about is no dead letter where this one cannot go out.
    public var isOptional: Bool

    public init(
        topic: String, key: [UInt8]? = nil, value: [UInt8]?, headers: [DeadLetter.Header] = [],
        ifTooLarge: [UInt8]? = nil, isOptional: Bool = false
    ) {
        (self.topic, self.key, self.value, self.headers) = (topic, key, value, headers)
        (self.ifTooLarge, self.isOptional) = (ifTooLarge, isOptional)
    }

    /// What it holds, in bytes.
    public var size: Int {
        headers.reduce(64 + (key?.count ?? 0) + (value?.count ?? 0) + (ifTooLarge?.count ?? 0)) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 16
        }
    }
}

/// What becomes of a record that is done, for the open epoch.
public struct CallSettlement: Sendable, Equatable {
    public var outputs: [CallOutput] = []
    /// It is also a dead letter.
    public var fault: CallFault?
    public var thing: ThingID?
    public var attempts = 0
    /// It waited too long and was not asked.
    public var isStale = false

    public init() {}

    /// A record that was never asked.
    public init(refused fault: CallFault, thing: ThingID?) { (self.fault, self.thing) = (fault, thing) }
}
