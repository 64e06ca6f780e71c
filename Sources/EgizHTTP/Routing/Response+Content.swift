import HTTPTypes
import Hummingbird

extension Response {
    static func json(_ bytes: [UInt8], headers: HTTPFields = [:]) -> Response {
        content(bytes, type: "application/json", headers: headers)
    }

    static func content(
        _ bytes: some Sequence<UInt8>, type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
