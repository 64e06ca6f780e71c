public import EgizCore

/// What a stream thread does when the group moves partitions. Called inside `LogConsumer.poll` and `close`, on their thread;
/// the group waits for the return.
public protocol AssignmentListener: AnyObject {
    /// Partitions were added. Returns where to start reading each of them; a partition left out is assigned paused and
    /// not read (its task could not be taken over).
    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: NextOffset]

    /// Partitions are about to be taken away. With `lost` they are already somebody else's: nothing may be flushed.
    func revoked(_ partitions: [TopicPartition], lost: Bool)
}
