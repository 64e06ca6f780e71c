/// What live push tells of.
enum LiveKind: String, Sendable, CaseIterable {
    /// What events changed in twins.
    case twin
    /// Properties of 3D models that bindings set.
    case binding
    /// Steps in the life of alerts.
    case alert
    /// What models say.
    case prediction
    /// Every other record of `framework.notifications.v1.*`.
    case notification
    /// Changes of the registry: types, bindings, tasks, models, topologies. What belongs to no project is for admins.
    case topology

    static let notifications = "framework.notifications.v1."
    static let predictions = "ml.output.v1."
    /// What the topics that are read begin with.
    static let prefixes = [notifications, predictions]

    init?(topic: String) {
        if topic.hasPrefix(Self.predictions) {
            self = .prediction
            return
        }
        guard topic.hasPrefix(Self.notifications) else { return nil }
        switch topic.dropFirst(Self.notifications.count) {
        case "twin": self = .twin
        case "binding": self = .binding
        case "alert": self = .alert
        case "registry", "topology": self = .topology
        default: self = .notification
        }
    }

    private var bit: UInt8 {
        switch self {
        case .twin: 1
        case .binding: 2
        case .alert: 4
        case .prediction: 8
        case .notification: 16
        case .topology: 32
        }
    }

    /// Kinds as bits.
    static func mask(_ kinds: some Sequence<LiveKind>) -> UInt8 { kinds.reduce(0) { $0 | $1.bit } }

    /// The kind of a topic's records; 0 for one that live push does not know.
    static func mask(topic: String) -> UInt8 { LiveKind(topic: topic)?.bit ?? 0 }

    static let all = mask(allCases)

    /// What subscriptions have that do not say which: all that is about things.
    static let usual: Set<LiveKind> = [.twin, .binding, .alert, .prediction, .notification]
}
