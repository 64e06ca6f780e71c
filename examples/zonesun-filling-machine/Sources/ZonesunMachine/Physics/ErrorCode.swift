/// Why the machine stands; the numbers are those on its display.
public enum ErrorCode: Int, Sendable, CaseIterable {
    case none = 0
    case motorOverheated = 17
    case tankEmpty = 21
    case nozzleBlocked = 42

    /// Plain words for the twin; nil where there is nothing to say.
    public var message: String? {
        switch self {
        case .none: nil
        case .motorOverheated: "motor above its temperature limit"
        case .tankEmpty: "no product in the tank"
        case .nozzleBlocked: "three underfilled bottles in a row at one nozzle"
        }
    }
}
