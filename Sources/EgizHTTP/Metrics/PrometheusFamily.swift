/// All series of one metric name.
struct PrometheusFamily {
    enum Kind: String {
        case counter, gauge, histogram

        init(_ kind: PrometheusSample.Kind) {
            switch kind {
            case .counter: self = .counter
            case .gauge: self = .gauge
            }
        }
    }

    enum Series {
        case value(PrometheusValue)
        case histogram(PrometheusHistogram)
    }

    let kind: Kind
    /// By the text of the labels, `topology="a",source="b"`.
    var series: [String: Series] = [:]

    init(kind: Kind) { self.kind = kind }

    func write(name: String, help: String?, into text: inout String) {
        text += "# HELP \(name) \(PrometheusText.escapedHelp(help ?? name))\n# TYPE \(name) \(kind.rawValue)\n"
        for (labels, series) in series.sorted(by: { $0.key < $1.key }) {
            switch series {
            case .value(let value):
                Self.line(name, labels, PrometheusText.number(value.current), into: &text)
            case .histogram(let histogram):
                let now = histogram.current
                for (bound, count) in now.cumulative {
                    let bucket = "le=\"\(PrometheusText.number(bound))\""
                    Self.line(
                        "\(name)_bucket", labels.isEmpty ? bucket : "\(labels),\(bucket)", "\(count)", into: &text)
                }
                Self.line("\(name)_sum", labels, PrometheusText.number(now.sum), into: &text)
                Self.line("\(name)_count", labels, "\(now.count)", into: &text)
            }
        }
    }

    private static func line(_ name: String, _ labels: String, _ value: String, into text: inout String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }
}
