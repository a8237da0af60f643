import Cluster
import Kernels
import Testing

@Suite struct BucketTests {
  @Test func smallTensorsGoTogetherAndLargeOnesAlone() {
    let most = Bucket.most
    #expect(Bucket.groups(of: []) == [])
    #expect(Bucket.groups(of: [3, 4, 5]) == [0..<3])
    #expect(Bucket.groups(of: [most - 7, 7, 1]) == [0..<2, 2..<3])
    #expect(Bucket.groups(of: [most + 1, 1, 2, most + 1]) == [0..<1, 1..<3, 3..<4])
  }

  @Test func partsLieOneBehindTheOther() {
    let bucket = Bucket(of: [2, 0, 3])
    for (index, part) in bucket.parts.enumerated() {
      part.assign(Storage([Float](repeating: Float(index), count: part.count)))
    }
    #expect(bucket.values.values == [0, 0, 2, 2, 2])
  }
}
