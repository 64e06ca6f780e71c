import EgizCore

/// Where a webhook delivers to: an address, or the environment variable that holds one.
struct WebhookTarget {
    let url: String?
    let variable: String?
    /// For metrics and records: the address itself may hold secrets.
    let host: String?

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        url = try reader.text("url")
        variable = try Self.variable(reader, "urlFrom")
        switch (url, variable) {
        case (nil, nil):
            throw reader.fault(
                at: reader.mark, "\(reader.path): a webhook has neither `url` nor `urlFrom`, it needs one")
        case (.some, .some): throw reader.fault("urlFrom", "nothing beside `url`: a webhook has one address")
        case (let url?, nil):
            guard let host = Self.host(of: url) else {
                throw reader.fault(
                    "url", "an address such as https://example.com/hook, without a user and a password in it")
            }
            self.host = host
        case (nil, .some): host = nil
        }
    }

    /// Nil where the text is no absolute http address.
    static func host(of url: String) -> String? {
        guard let scheme = ["https://", "http://"].first(where: { url.lowercased().hasPrefix($0) }),
            url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let rest = url.utf8.dropFirst(scheme.utf8.count)
        let stops: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")]
        let host = rest.prefix { !stops.contains($0) }
        guard !host.isEmpty, !host.contains(UInt8(ascii: "@")) else { return nil }
        return String(Substring(host))
    }

    /// The name of an environment variable; nil where it was left out.
    static func variable(_ reader: SettingsReader, _ word: String) throws(TopologyFaults) -> String? {
        guard let name = try reader.text(word) else { return nil }
        let isName =
            !name.utf8.isEmpty && name.utf8.count <= 128
            && name.utf8.enumerated().allSatisfy { place, byte in
                switch byte {
                case 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
                case 0x30...0x39: place > 0
                default: false
                }
            }
        guard isName else {
            // What is no name may be the secret itself: it is not repeated.
            throw reader.fault(
                at: reader.value(word)?.mark ?? reader.mark,
                "\(reader.path).\(word): expected the name of an environment variable, such as EGIZ_WEBHOOK_SECRET; the value itself never stands in the file"
            )
        }
        return name
    }
}
