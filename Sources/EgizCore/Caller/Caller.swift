/// A kind that asks somebody outside about each record of its source: a model, a webhook. The second protocol (rule 22): no
/// processor, and alone in its stage.
///
/// It is pure: it says what to send and reads what came back. Who sends, waits, tries again, keeps the order and commits is
/// `EgizRuntime/Caller`; calls are at least once, what they lead to is exactly once. An instance is confined to one thread.
public protocol Caller: AnyObject, SendableMetatype {
    static var spec: KindSpec { get }

    /// Builds the caller from settings that were checked against `spec`.
    init(_ definition: ProcessorDefinition) throws(TopologyFaults)

    var policy: CallPolicy { get }

    /// Whom it asks about each record, at least one. The first decides what becomes of the record; the others are shadows.
    var lanes: [CallLane] { get }

    /// Reads a record when it comes from the log.
    func read(_ record: CallRecord) -> CallIntake

    /// The call for a batch of at most `policy.batchSize` records. Called again for each attempt: what identifies the call must
    /// come out the same for the same items in the same order.
    func request(_ items: [CallItem], lane: Int, tools: CallTools) -> CallRequest

    /// A `GET` that asks somebody how he is, without asking him anything; nil where there is none. 2xx means that he is well.
    func health(lane: Int, tools: CallTools) -> CallRequest?

    /// Reads an answer of whatever status; see `CallVerdict.ofStatus` for what most statuses mean.
    func verdict(on response: CallResponse, to items: [CallItem], lane: Int) -> CallVerdict

    /// What is emitted when the record is done: `replies` has one for each lane. Where the first lane's reply is a fault, the
    /// record also becomes a dead letter.
    func outputs(of item: CallItem, replies: [CallReply]) -> [CallOutput]
}

extension Caller {
    public func health(lane: Int, tools: CallTools) -> CallRequest? { nil }
}

/// One of those that a caller asks.
public struct CallLane: Sendable, Equatable {
    /// For metrics and logs: the model, the host.
    public var name: String
    /// Asked once, and waited for no longer than `policy.shadowWait`; its faults are nobody's dead letters.
    public var isShadow: Bool

    public init(name: String, isShadow: Bool = false) { (self.name, self.isShadow) = (name, isShadow) }
}
