package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ChaCha8RandomTest {
  /** Test vector TC1 of draft-strombergson-chacha-test-vectors: 256-bit zero key, zero IV. */
  @Test
  void zeroKeyGivesThePublishedKeyStream() {
    assertEquals(
        "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
            + "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42",
        stream(new ChaCha8Random(new int[8], 0), 64));
  }

  /** TC2: the first bit of the key set. */
  @Test
  void keyBytesAreLittleEndianWords() {
    assertEquals(
        "cf5ee9a0494aa9613e05d5ed725b804b12f4a465ee635acc3a311de8740489ea",
        stream(new ChaCha8Random(new int[] {1, 0, 0, 0, 0, 0, 0, 0}, 0), 32));
  }

  /**
   * The first 128 bytes of Rust's {@code ChaCha8Rng::seed_from_u64(0)}, as crypto-bigint's tests
   * pin them: this holds the expansion of the seed by PCG32.
   */
  @Test
  void seedIsExpandedAsInRust() {
    assertEquals(
        "6c3b9aa767f785b537c0d8ba5fa54677e6a6e281320dfbb27c889b8fa460670f"
            + "7946023267660de1bdb07e94cb14ae8c3c922e6a9d5338d4ba68d3d27d1c78ef"
            + "60e6887e3aa2c4cd081eb3e608a27f2744cc1b7fa35376e1692f1eebf20243c5"
            + "a3404b7d22782886e0a88e9b8a1acd5922df160dae19b9c347ccee93c6c484a4",
        stream(new ChaCha8Random(0), 128));
  }

  @Test
  void blocksAtOnceEqualBlocksOneByOne() {
    ChaCha8Blocks blocks = new ChaCha8Blocks(100);
    int[] counts = {1, 16, 33, 7};
    int[] lanes = new int[counts.length];
    int[] key = new int[ChaCha8Random.KEY_WORDS];
    for (int round = 0; round < 2; round++) {
      blocks.clear();
      for (int i = 0; i < counts.length; i++) {
        ChaCha8Random.expand(round - i, key);
        lanes[i] = blocks.add(key, 3 * i, counts[i]);
      }
      assertEquals(43, blocks.free());
      blocks.generate();
      for (int i = 0; i < counts.length; i++) {
        ChaCha8Random.expand(round - i, key);
        ChaCha8Random expected = new ChaCha8Random(key, 3L * i);
        for (int lane = 0; lane < counts[i]; lane++) {
          for (int draw = 0; draw < ChaCha8Blocks.DRAWS; draw++) {
            assertEquals(
                expected.nextLong(),
                blocks.draw(lanes[i] + lane, draw),
                "stream " + i + ", lane " + lane + ", draw " + draw);
          }
        }
      }
    }
  }

  /** Word 13 is the counter's upper half. */
  @Test
  void counterHas64Bits() {
    ChaCha8Random random = new ChaCha8Random(new int[8], 0xffff_ffffL);
    for (int i = 0; i < ChaCha8Random.BLOCK_WORDS; i++) {
      random.nextInt();
    }
    assertEquals(new ChaCha8Random(new int[8], 1L << 32).nextInt(), random.nextInt());
  }

  @Test
  void boundedDrawsAreUniformAndPermutationsWhole() {
    ChaCha8Random random = new ChaCha8Random(3);
    int[] counts = new int[6];
    for (int i = 0; i < 60_000; i++) {
      counts[random.nextBelow(6)]++;
    }
    for (int count : counts) {
      assertEquals(10_000, count, 400);
    }
    int[] permutation = random.permutation(1000);
    int[] sorted = permutation.clone();
    Arrays.sort(sorted);
    assertArrayEquals(IntStream.range(0, 1000).toArray(), sorted);
    assertThrows(IllegalArgumentException.class, () -> random.nextBelow(0));
  }

  private static String stream(ChaCha8Random random, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      buffer.putInt(random.nextInt());
    }
    return HexFormat.of().formatHex(buffer.array());
  }
}
