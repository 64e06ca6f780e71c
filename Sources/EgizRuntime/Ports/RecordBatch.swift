public import EgizCore

/// Records as the client holds them; the pointers in them live as long as the batch, and the client's memory is freed
/// when the batch goes. Confined to the stream thread.
public protocol RecordBatch: AnyObject {
    var count: Int { get }
    /// The record at `index`, borrowed. Its `topic` is the index in the list the consumer was opened with.
    func record(at index: Int) -> RawRecord
    /// The headers of the record, copied: needed only for dead letters.
    func headers(at index: Int) -> [DeadLetter.Header]
}
