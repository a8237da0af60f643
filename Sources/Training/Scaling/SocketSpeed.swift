import Foundation

/// Speed of this machine's sockets: the processor time that a byte takes which is sent to another process and received there.
///
/// A rank that sends as much as it receives pays it once a byte. Measured over a connection of this process to itself.
package enum SocketSpeed {
  /// Bytes that are sent to measure it.
  private static let count = 48 << 20

  /// Seconds of the processor for a byte; 0 where no connection can be made.
  package static func secondsPerByte() -> Double {
    guard let (sender, receiver) = connection() else { return 0 }
    defer {
      close(sender)
      close(receiver)
    }
    let before = processorSeconds
    let chunk = [UInt8](repeating: 1, count: 1 << 18)
    let thread = Thread {
      var sent = 0
      while sent < count {
        let written = chunk.withUnsafeBytes { send(sender, $0.baseAddress, min($0.count, count - sent), 0) }
        if written <= 0 { break }
        sent += written
      }
      shutdown(sender, Int32(SHUT_WR))
    }
    thread.start()
    var (buffer, received) = ([UInt8](repeating: 0, count: 1 << 18), 0)
    while true {
      let read = buffer.withUnsafeMutableBytes { recv(receiver, $0.baseAddress, $0.count, 0) }
      if read <= 0 { break }
      received += read
    }
    return received == 0 ? 0 : (processorSeconds - before) / Double(received)
  }

  /// Seconds that processors have worked for this process.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Two ends of a connection over TCP; nil where there is none to be had.
  private static func connection() -> (Int32, Int32)? {
    #if os(Linux)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    let (listener, sender) = (socket(AF_INET, stream, 0), socket(AF_INET, stream, 0))
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) == 0 && listen(listener, 1) == 0
          && getsockname(listener, address, &length) == 0 && connect(sender, address, length) == 0
      }
    }
    let receiver = isConnected ? accept(listener, nil, nil) : -1
    guard receiver >= 0 else {
      close(sender)
      return nil
    }
    return (sender, receiver)
  }
}
