package dev.warmgate.host.triton;

import dev.warmgate.generate.TextBatch;
import dev.warmgate.generate.TextStream;
import dev.warmgate.generate.Tokenizer;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One text on its way to a client. For one thread at a time.
 *
 * <p>The request is held until the text ends, so that Triton counts it, and so that it can be seen
 * when nobody waits for it any more.
 */
final class TextSequence {
  private static final System.Logger LOG = System.getLogger(TextSequence.class.getName());

  private final long instance;
  private final Request request;
  private final long factory;
  private final long begun = System.nanoTime();
  private final List<Integer> unsent = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  private TextBatch.Text written;
  private TextStream stream;
  private boolean streaming;
  private long computeStart;
  private long computeEnd;

  private TextSequence(long instance, Request request, long factory) {
    this.instance = instance;
    this.request = request;
    this.factory = factory;
  }

  /** Takes over a request. */
  static TextSequence of(long instance, Request request) {
    return new TextSequence(instance, request, Core.create(Core.FACTORY_NEW, request.handle()));
  }

  /** Whether nobody waits for the text any more. */
  boolean lapsed() {
    return request.lapsed().isPresent();
  }

  /**
   * Joins a batch.
   *
   * @return false if the request makes no sense; it was answered and released
   */
  boolean begin(TextBatch batch, Tokenizer tokenizer) {
    return unlessFailed(
        () -> {
          Optional<TritonException> lapsed = request.lapsed();
          if (lapsed.isPresent()) {
            throw lapsed.get();
          }
          TextRequest wanted = TextRequest.of(request);
          streaming = wanted.stream();
          int[] prompt = tokenizer.encode(wanted.prompt());
          stream = tokenizer.stream(prompt);
          written = batch.add(prompt, wanted.maxTokens(), wanted.sampling());
          computeStart = System.nanoTime();
        });
  }

  /** Leaves the batch, with an answer, if nobody waits for the text any more. */
  boolean wanted(TextBatch batch) {
    Optional<TritonException> lapsed = request.lapsed();
    lapsed.ifPresent(
        why -> {
          batch.remove(written);
          end(lapsed);
        });
    return lapsed.isEmpty();
  }

  /**
   * Sends what a step of the batch wrote.
   *
   * @return whether the text goes on; if not, the request was answered to the end and released
   */
  boolean stepped(TextBatch batch) {
    computeEnd = System.nanoTime();
    if (written.failure().isPresent()) {
      end(written.failure().map(e -> EntryPoints.explain("generate", e)));
      return false;
    }
    boolean fine =
        unlessFailed(
            () -> {
              written
                  .token()
                  .ifPresent(
                      token -> {
                        unsent.add(token);
                        text.append(stream.push(token));
                      });
              if (written.finish().isPresent()) {
                text.append(stream.finish());
              } else if (streaming && !text.isEmpty()) {
                send(false);
              }
            });
    if (!fine) {
      batch.remove(written);
    } else if (written.finish().isPresent()) {
      end(Optional.empty());
      return false;
    }
    return fine;
  }

  /** Leaves the batch with an error. */
  void fail(TextBatch batch, Throwable reason) {
    batch.remove(written);
    end(Optional.of(EntryPoints.explain("generate", reason)));
  }

  private boolean unlessFailed(Runnable body) {
    try {
      body.run();
      return true;
    } catch (RuntimeException | Error e) {
      end(Optional.of(EntryPoints.explain("generate", e)));
      return false;
    }
  }

  /** Sends what was written and not sent yet. */
  private void send(boolean last) {
    Response response = Response.from(factory);
    try {
      for (String output : request.outputs()) {
        switch (output) {
          case TextRequest.TEXT_OUTPUT ->
              Strings.write(response, output, new long[] {1}, piece(text.toString()));
          case TextRequest.TOKEN_IDS -> {
            int[] ids = unsent.stream().mapToInt(Integer::intValue).toArray();
            response
                .output(output, DataTypes.INT32, new long[] {ids.length}, 4L * ids.length)
                .copyFrom(MemorySegment.ofArray(ids));
          }
          default -> throw TritonException.invalid("there is no output '%s'", output);
        }
      }
    } catch (RuntimeException e) {
      response.drop();
      throw e;
    }
    text.setLength(0);
    unsent.clear();
    if (last) {
      response.send();
    } else {
      response.sendPart();
    }
  }

  private static Strings.Slice piece(String text) {
    MemorySegment content = MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
    return new Strings.Slice(content, new long[] {0}, 0, 1);
  }

  private void end(Optional<TritonException> error) {
    Optional<TritonException> failure = error;
    if (failure.isEmpty()) {
      try {
        send(true);
      } catch (RuntimeException | Error e) {
        failure = Optional.of(EntryPoints.explain("generate", e));
      }
    }
    try {
      failure.ifPresent(e -> Response.from(factory).fail(e));
      report(failure.isEmpty());
    } catch (RuntimeException e) {
      // The other texts go on.
      LOG.log(System.Logger.Level.ERROR, "the end of a text", e);
    } finally {
      Core.FACTORY_DELETE.call(factory);
      request.release();
    }
  }

  private void report(boolean success) {
    long end = System.nanoTime();
    long start = computeStart == 0 ? begun : computeStart;
    long stop = Math.max(start, computeEnd);
    Core.REPORT_STATISTICS.call(
        instance, request.handle(), success ? 1 : 0, begun, start, stop, end);
    Core.REPORT_BATCH.call(instance, 1, begun, start, stop, end);
  }
}
