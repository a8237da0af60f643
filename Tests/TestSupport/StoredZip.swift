import Foundation

/// Writes zip archives of stored entries, so that a test can hold what no `torch.save` would write.
public enum StoredZip {
  /// The archive of some entries.
  public static func bytes(_ entries: [(name: String, data: [UInt8])]) -> [UInt8] {
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, data) in entries {
      // Version, flags, method, time, date, checksum, sizes, length of the name; then that of the extra field.
      let common =
        little(20, 2) + little(0, 12) + little(data.count, 4) + little(data.count, 4)
        + little(name.utf8.count, 2) + little(0, 2)
      directory += little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 10) + little(file.count, 4)
      directory += Array(name.utf8)
      file += little(0x0403_4B50, 4) + common + Array(name.utf8) + data
    }
    let count = little(entries.count, 2)
    return file + directory + little(0x0605_4B50, 4) + little(0, 4) + count + count
      + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
  }

  /// An archive with a pickle in it and one storage, `0`, of four bytes.
  public static func pickle(_ pickle: [UInt8], byteOrder: String = "little") -> [UInt8] {
    bytes([
      ("a/data.pkl", pickle), ("a/byteorder", Array(byteOrder.utf8)), ("a/data/0", [0, 0, 128, 63]),
    ])
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
