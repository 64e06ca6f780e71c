/// The small number that a `PathTable` has given to a path.
public struct PathID: Hashable, Sendable {
    public let raw: Int32

    init(raw: Int32) { self.raw = raw }
}
