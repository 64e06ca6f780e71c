import EgizCore

/// The words for what becomes of a record that fails.
enum ErrorPolicy {
    static let names = ["deadLetter", "park"]

    static func disposition(_ name: String) -> DeadLetter.Disposition? {
        switch name {
        case "deadLetter": .dead
        case "park": .parked
        default: nil
        }
    }
}
