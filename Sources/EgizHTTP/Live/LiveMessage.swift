import EgizTwin

/// A message of a client.
enum LiveMessage {
    case authenticate(token: String)
    case subscribe(LiveSubscription)
    case unsubscribe(String)
    case ping
    /// It is JSON, and cannot be done.
    case faulty(Problem, id: String?)
    case noJSON

    private static let words = ["authenticate", "subscribe", "unsubscribe", "ping"]

    static func parse(_ text: [UInt8]) -> LiveMessage {
        guard let object = (try? JSONParser().parse(text))?.object else { return .noJSON }
        let id = object["id"]?.string
        do throws(Problem) {
            switch object["type"]?.string {
            case "authenticate":
                var reader = try BodyReader(text, known: ["type", "token"])
                let token = reader.requiredText("token", length: 1...16_384)
                try reader.finish()
                return .authenticate(token: token)
            case "subscribe":
                var reader = try BodyReader(text, known: LiveSubscription.members)
                let subscription = LiveSubscription(&reader)
                try reader.finish()
                return .subscribe(subscription)
            case "unsubscribe":
                var reader = try BodyReader(text, known: ["type", "id"])
                let id = reader.text("id", length: 1...64) ?? "default"
                try reader.finish()
                return .unsubscribe(id)
            case "ping": return .ping
            default:
                return .faulty(
                    .invalidBody([
                        .init(
                            pointer: "/type", detail: "type must be one of \(words.joined(separator: ", ")).")
                    ]), id: id)
            }
        } catch {
            return .faulty(error, id: id)
        }
    }
}
