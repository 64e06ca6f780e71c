/// A Ditto topic, parsed and classified; kept by its text.
final class TopicEntry {
    enum Meaning {
        case event(ThingID, EventAction)
        case ignored(IgnoreReason)
        case rejected(Rejection)
    }

    let meaning: Meaning

    init(_ raw: UnsafeRawBufferPointer) { meaning = Self.parse(raw) }

    private static let criteria = [
        "commands", "events", "messages", "search", "streaming", "errors", "acks", "announcements",
    ]

    private static func parse(_ raw: UnsafeRawBufferPointer) -> Meaning {
        // Words are compared as ASCII; no other text is canonically equivalent to lower-case ASCII letters.
        var segments = raw.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        if segments.count > 1, segments[segments.count - 1].isEmpty { segments.removeLast() }
        guard segments.count >= 4, !segments.dropFirst().contains(where: \.isEmpty) else { return malformed(raw) }
        switch segments[2] {
        case "policies", "connections":
            return criteria.contains(segments[3]) ? .ignored(.notThing) : malformed(raw)
        case "things": break
        default: return malformed(raw)
        }
        guard segments.count >= 5, criteria.contains(segments[4]) else { return malformed(raw) }
        switch segments[3] {
        case "live": return .ignored(.live)
        case "twin": break
        default: return malformed(raw)
        }
        guard segments[4] == "events" else { return .ignored(.notEvent) }
        guard segments.count >= 6, let action = EventAction(rawValue: segments[5]) else { return malformed(raw) }
        do {
            return .event(try ThingID(namespace: segments[0], name: segments[1]), action)
        } catch {
            return .rejected(Rejection(.thingID, error.message))
        }
    }

    private static func malformed(_ raw: UnsafeRawBufferPointer) -> Meaning {
        let text = String(decoding: raw.prefix(300), as: UTF8.self)
        return .rejected(
            Rejection(
                .topic, "\"\(text)\" is no Ditto topic such as namespace/name/things/twin/events/modified"))
    }
}
