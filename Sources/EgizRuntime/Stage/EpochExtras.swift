import EgizCore

/// What the open epoch of a stream thread holds beside the effects of its steps.
struct EpochExtras {
    var deadLetters: [DeadLetter] = []
    var redriven: [RedriveResult] = []
    var redrives: [RedriveAdvance] = []
    /// Inbox messages that were consumed.
    var consumed: [Int64] = []
    /// Things that were looked at because rules changed; by task.
    var sweeps: [RulesSweep] = []

    var isEmpty: Bool {
        deadLetters.isEmpty && redriven.isEmpty && redrives.isEmpty && consumed.isEmpty && sweeps.isEmpty
    }
}
