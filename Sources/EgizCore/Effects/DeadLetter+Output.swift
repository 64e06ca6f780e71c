import EgizTwin

extension DeadLetter {
    /// The record for the topic `<topic>.dlq`: key, value and headers as they came, and where it came from and why it is here in
    /// headers that begin with `egiz-dlq-`.
    ///
    /// `egiz-db` says in which database the letter is kept: whoever gathers letters of several systems need not keep it again.
    public func output(id: String, topologyVersion: Int64, database: String) -> OutputRecord {
        func header(_ name: String, _ text: String) -> Header {
            Header(name: "egiz-dlq-\(name)", value: Array(text.utf8))
        }
        var headers = self.headers
        headers += [
            header("topic", position.topic), header("partition", "\(position.partition)"),
            header("offset", "\(position.offset)"), header("attempts", "\(attempts)"), header("code", code),
            header("message", message), header("topology", stage.topology), header("source", stage.source),
            header("topology-version", "\(topologyVersion)"), header("disposition", disposition.rawValue),
        ]
        headers.append(Header(name: "egiz-db", value: Array(database.utf8)))
        if let processor { headers.append(header("processor", processor)) }
        if let thing { headers.append(header("thing", thing.text)) }
        return OutputRecord(
            topic: "\(position.topic).dlq", key: key, value: value, headers: headers, id: id,
            time: recordTime.microseconds)
    }
}
