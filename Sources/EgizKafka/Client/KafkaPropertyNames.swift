import CRdkafka
import Glibc

/// The names of all properties that the linked librdkafka knows, aliases too: for checking `kafka:` before anything connects.
public enum KafkaPropertyNames {
    /// Sorted. Empty where librdkafka's own list cannot be read.
    public static let all: [String] = {
        // The table that librdkafka makes its documentation of: `name | C/P/* | range | default | …`. What its other list,
        // `rd_kafka_conf_dump`, leaves out is whatever has no default, such as `sasl.password`.
        var text: UnsafeMutablePointer<CChar>?
        var size = 0
        guard let file = open_memstream(&text, &size) else { return [] }
        rd_kafka_conf_properties_show(file)
        fclose(file)
        guard let text else { return [] }
        defer { free(text) }
        var names: Set<String> = []
        for line in String(cString: text).split(separator: "\n") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
            guard cells.count > 3, ["C", "P", "*"].contains(cells[1]), !cells[0].isEmpty else { continue }
            names.insert(cells[0])
        }
        return names.sorted()
    }()
}
