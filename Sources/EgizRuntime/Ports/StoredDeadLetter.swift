public import EgizCore

/// A dead letter as the store has it, ready to be processed again.
public struct StoredDeadLetter: Sendable {
    /// `dead_letter.dead_letter_id`: rises in the order in which the letters were written, which is the order of redriving.
    public var id: Int64
    /// With the edited value in place of the original where somebody edited it.
    public var letter: DeadLetter
    /// The incarnation of the log that the offset belongs to.
    public var incarnation: Int32
    /// Of the parked letters of its thing, it is the one to be tried first: no other may overtake it.
    public var isFirst: Bool

    public init(id: Int64, letter: DeadLetter, incarnation: Int32, isFirst: Bool = true) {
        self.isFirst = isFirst
        self.id = id
        self.letter = letter
        self.incarnation = incarnation
    }
}
