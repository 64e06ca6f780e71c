/// Reads record values into twin events: everything that can be decided without the twin. One for each stream thread.
public final class RecordDecoder {
    let paths: PathTable
    let parser = JSONParser()
    let topics = ByteKeyedCache<TopicEntry>(maxEntries: 200_000, maxKeyBytes: 2048)
    let things = ByteKeyedCache<ThingEntry>(maxEntries: 200_000, maxKeyBytes: 1024)
    let featuresPath: EventPath
    /// Paths of telemetry's leaves, by feature and property.
    let telemetryPaths = ByteKeyedCache<EventPath>(maxEntries: 200_000, maxKeyBytes: 1024)
    static let mostNameBytes = 1024
    let names: UnsafeMutableRawPointer
    /// What `scan` has recognised last.
    public let scan: LeafScan

    public init(paths: PathTable) {
        self.paths = paths
        names = .allocate(byteCount: Self.mostNameBytes + 16, alignment: 16)
        featuresPath = EventPath(segments: ["features"], resource: .features, table: paths)
        scan = LeafScan(features: featuresPath)
    }

    deinit { names.deallocate() }

    /// - Parameters:
    ///   - value: the record's value, borrowed for the call; nil is a tombstone.
    ///   - recordTime: Kafka's timestamp of the record, the event time where the payload has none.
    public func decode(
        _ value: UnsafeRawBufferPointer?, format: RecordFormat, recordTime: EventTime
    ) -> Decoded {
        guard let value else { return .ignored(.tombstone) }
        do throws(JSONError) {
            let tape = try parser.tape(value, depth: JSONParser.recordDepth)
            do throws(Rejection) {
                switch format {
                case .ditto: return try decodeDitto(tape, recordTime)
                case .telemetry: return .event(try decodeTelemetry(tape, recordTime))
                case .json: throw Rejection(.envelope, "format json has no twin events")
                }
            } catch {
                return .rejected(error)
            }
        } catch {
            return .rejected(Rejection(.json, error.message))
        }
    }
}
