import com.netflix.config.ConfigurationManager;
import com.netflix.hystrix.*;
import com.netflix.hystrix.exception.HystrixBadRequestException;
import com.netflix.hystrix.exception.HystrixRuntimeException;
import com.netflix.hystrix.strategy.concurrency.HystrixRequestContext;
import com.netflix.hystrix.serial.SerialHystrixDashboardData;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import rx.Observable;
import rx.Subscription;

/**
 * Plays scenarios (see tests/data/hystrix/README.md) on the real library and prints its answers. A
 * scenario in which something was done too late, for want of a processor, is played again.
 */
public class Oracle {
  static final long LATE_MS = 18;
  static final int ATTEMPTS = 100;
  static final ExecutorService callers = Executors.newCachedThreadPool();
  static final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
  static final HystrixRequestContext context = HystrixRequestContext.initializeContext();
  static final AtomicLong latestMs = new AtomicLong();

  static class Step {
    final int line;
    final long atMs;
    final String[] words;

    Step(int line, long atMs, String[] words) {
      this.line = line;
      this.atMs = atMs;
      this.words = words;
    }
  }

  /** How a run or a fallback ends, and after how long; how many values it gives before. */
  static class Ending {
    String kind = "ok";
    long forMs = 0;
    int emits = 0;

    Observable<String> values(String answer) {
      List<String> given = Collections.nCopies(emits, answer);
      return Observable.from(given)
          .concatWith(Observable.defer(() -> end(answer) == null ? null : Observable.empty()));
    }

    String end(String answer) {
      if (forMs > 0) {
        try {
          long endsNs = System.nanoTime() + forMs * 1_000_000;
          Thread.sleep(forMs);
          noteLate(endsNs);
        } catch (InterruptedException interrupted) {
          throw new RuntimeException(interrupted);
        }
      }
      if (kind.equals("fail")) throw new RuntimeException("failed");
      if (kind.equals("bad")) throw new HystrixBadRequestException("bad");
      return answer;
    }
  }

  static class Call extends HystrixCommand<String> {
    final Ending run;
    final Ending fallback;

    Call(Setter setter, Ending run, Ending fallback) {
      super(setter);
      this.run = run;
      this.fallback = fallback;
    }

    @Override
    protected String run() {
      return run.end("ok");
    }

    @Override
    protected String getFallback() {
      return fallback == null ? super.getFallback() : fallback.end("fallback");
    }
  }

  static class CachedCall extends Call {
    final String key;

    CachedCall(Setter setter, Ending run, Ending fallback, String key) {
      super(setter, run, fallback);
      this.key = key;
    }

    @Override
    protected String getCacheKey() {
      return key;
    }
  }

  /** A command whose run gives several values. */
  static class Emitting extends HystrixObservableCommand<String> {
    final Ending run;
    final Ending fallback;

    Emitting(String name, Ending run, Ending fallback) {
      super(
          Setter.withGroupKey(HystrixCommandGroupKey.Factory.asKey(name))
              .andCommandKey(HystrixCommandKey.Factory.asKey(name)));
      this.run = run;
      this.fallback = fallback;
    }

    @Override
    protected Observable<String> construct() {
      return run.values("ok");
    }

    @Override
    protected Observable<String> resumeWithFallback() {
      return fallback == null ? super.resumeWithFallback() : fallback.values("fallback");
    }
  }

  /** The one command that stands for several requests. */
  static class Batch extends HystrixCommand<String> {
    Batch(Setter setter) {
      super(setter);
    }

    @Override
    protected String run() {
      return "ok";
    }
  }

  static class Collapse extends HystrixCollapser<String, String, Integer> {
    static final List<HystrixCommand<String>> batches = new CopyOnWriteArrayList<>();
    final HystrixCommand.Setter batch;
    final int argument;

    Collapse(String name, HystrixCommand.Setter batch, int argument) {
      super(
          Setter.withCollapserKey(HystrixCollapserKey.Factory.asKey(name))
              .andScope(Scope.GLOBAL));
      this.batch = batch;
      this.argument = argument;
    }

    @Override
    public Integer getRequestArgument() {
      return argument;
    }

    @Override
    protected HystrixCommand<String> createCommand(
        Collection<CollapsedRequest<String, Integer>> requests) {
      HystrixCommand<String> made = new Batch(batch);
      batches.add(made);
      return made;
    }

    @Override
    protected void mapResponseToRequests(
        String answer, Collection<CollapsedRequest<String, Integer>> requests) {
      for (CollapsedRequest<String, Integer> request : requests) request.setResponse(answer);
    }
  }

  public static void main(String[] arguments) throws Exception {
    play("warm-up", List.of("at 0 call ok", "at 100 call fail fallback ok", "at 200 look"));
    String name = null;
    List<String> lines = new ArrayList<>();
    BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      line = line.strip();
      if (line.isEmpty() || line.startsWith("#")) continue;
      if (line.startsWith("scenario ")) {
        if (name != null) print(name, lines);
        name = line.substring("scenario ".length());
        lines = new ArrayList<>();
      } else {
        lines.add(line);
      }
    }
    if (name != null) print(name, lines);
    System.exit(0);
  }

  static void print(String name, List<String> lines) throws Exception {
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      String key = name + "~" + attempt;
      latestMs.set(0);
      String answer = play(key, lines);
      if (latestMs.get() <= LATE_MS) {
        System.out.println(answer.replace('"' + key + '"', '"' + name + '"'));
        return;
      }
      System.err.println(key + " was " + latestMs.get() + " ms late");
    }
    throw new IllegalStateException(name + " was late each time: leave the machine alone");
  }

  static void noteLate(long dueNs) {
    long lateMs = (System.nanoTime() - dueNs) / 1_000_000;
    latestMs.accumulateAndGet(lateMs, Math::max);
  }

  static String play(String name, List<String> lines) throws Exception {
    HystrixCommandProperties.Setter declared = HystrixCommandProperties.Setter();
    List<Step> steps = new ArrayList<>();
    for (int line = 0; line < lines.size(); line++) {
      String[] words = lines.get(line).split("\\s+");
      switch (words[0]) {
        case "set" -> set(name, words, 1);
        case "declare" -> declared.withCircuitBreakerRequestVolumeThreshold(Integer.parseInt(words[1]));
        default -> steps.add(new Step(line, Long.parseLong(words[1]), words));
      }
    }
    HystrixCommand.Setter setter =
        HystrixCommand.Setter.withGroupKey(HystrixCommandGroupKey.Factory.asKey(name))
            .andCommandKey(HystrixCommandKey.Factory.asKey(name))
            .andCommandPropertiesDefaults(declared);
    new Call(setter, new Ending(), null); // its windows begin here,
    look(name); // and those that are only made when somebody looks
    for (HystrixThreadPoolMetrics pool : pools(name)) {
      pool.getRollingCountThreadsExecuted();
      pool.getRollingMaxActiveThreads();
    }
    long beganNs = System.nanoTime();
    Map<Integer, List<Future<String>>> calls = new TreeMap<>();
    StringBuilder looks = new StringBuilder();
    for (Step step : steps) {
      long dueNs = beganNs + step.atMs * 1_000_000;
      long waitNs = dueNs - System.nanoTime();
      if (waitNs > 0) TimeUnit.NANOSECONDS.sleep(waitNs);
      noteLate(dueNs);
      switch (step.words[2]) {
        case "set" -> set(name, step.words, 3);
        case "look" -> looks.append(looks.length() > 0 ? "," : "").append(look(name));
        case "call" -> calls.put(step.line, call(name, setter, step.words, dueNs));
        case "collapse" -> calls.put(step.line, collapse(name, setter, step.words));
        default -> throw new IllegalArgumentException(String.join(" ", step.words));
      }
    }
    StringBuilder ended = new StringBuilder();
    for (Map.Entry<Integer, List<Future<String>>> entry : calls.entrySet()) {
      List<String> answers = new ArrayList<>();
      for (Future<String> answer : entry.getValue()) answers.add(answer.get());
      Collections.sort(answers);
      ended.append(ended.length() > 0 ? "," : "");
      ended.append("[" + entry.getKey() + ",[" + String.join(",", answers) + "]]");
    }
    return "{\"scenario\":\"" + name + "\",\"calls\":[" + ended + "],\"looks\":[" + looks + "]}";
  }

  static void set(String name, String[] words, int from) {
    String key = words[from].replaceFirst("^(command|threadpool)\\.own\\.", "$1." + name + ".");
    ConfigurationManager.getConfigInstance().setProperty("hystrix." + key, words[from + 1]);
  }

  static String look(String name) {
    HystrixCommandKey key = HystrixCommandKey.Factory.asKey(name);
    String command = SerialHystrixDashboardData.toJsonString(HystrixCommandMetrics.getInstance(key));
    for (HystrixThreadPoolMetrics pool : HystrixThreadPoolMetrics.getInstances()) {
      if (pool.getThreadPoolKey().name().equals(name)) {
        return "[" + command + "," + SerialHystrixDashboardData.toJsonString(pool) + "]";
      }
    }
    return "[" + command + "]";
  }

  /** The scenario's pool, also before it has done anything. */
  static List<HystrixThreadPoolMetrics> pools(String name) {
    HystrixThreadPoolMetrics own =
        HystrixThreadPoolMetrics.getInstance(HystrixThreadPoolKey.Factory.asKey(name));
    return own == null ? List.of() : List.of(own);
  }

  static List<Future<String>> call(
      String name, HystrixCommand.Setter setter, String[] words, long dueNs) {
    Ending run = new Ending();
    Ending fallback = null;
    Ending current = run;
    int times = 1;
    long cancelMs = -1;
    String key = null;
    for (int place = 3; place < words.length; place++) {
      String word = words[place];
      if (word.equals("fallback")) current = fallback = new Ending();
      else if (word.equals("times")) times = Integer.parseInt(words[++place]);
      else if (word.equals("cached")) key = words[++place];
      else if (word.equals("emits")) current.emits = Integer.parseInt(words[++place]);
      else if (word.equals("cancel")) cancelMs = Long.parseLong(words[++place]);
      else if (Character.isDigit(word.charAt(0))) current.forMs = Long.parseLong(word);
      else current.kind = word;
    }
    List<Future<String>> answers = new ArrayList<>();
    for (int count = 0; count < times; count++) {
      HystrixInvokableInfo<String> call = made(name, setter, run, fallback, key);
      CompletableFuture<String> answer = new CompletableFuture<>();
      answers.add(answer);
      long cancelAfterMs = cancelMs;
      callers.submit(() -> subscribe(call, answer, cancelAfterMs, dueNs));
    }
    return answers;
  }

  static HystrixInvokableInfo<String> made(
      String name, HystrixCommand.Setter setter, Ending run, Ending fallback, String key) {
    HystrixRequestContext.setContextOnCurrentThread(context);
    if (run.emits > 0) return new Emitting(name, run, fallback);
    if (key != null) return new CachedCall(setter, run, fallback, key);
    return new Call(setter, run, fallback);
  }

  /** Several requests at once, and what became of the one command that they were made into. */
  static List<Future<String>> collapse(String name, HystrixCommand.Setter setter, String[] words)
      throws Exception {
    Collapse.batches.clear();
    List<Future<String>> waiting = new ArrayList<>();
    for (int count = 0; count < Integer.parseInt(words[3]); count++) {
      waiting.add(new Collapse(name, setter, count).queue());
    }
    List<Future<String>> answers = new ArrayList<>();
    for (Future<String> one : waiting) one.get();
    Thread.sleep(20);
    for (HystrixCommand<String> batch : Collapse.batches) {
      answers.add(CompletableFuture.completedFuture(said(batch, "ok")));
    }
    return answers;
  }

  static void subscribe(
      HystrixInvokableInfo<String> call, CompletableFuture<String> answer, long cancelMs, long dueNs) {
    noteLate(dueNs);
    HystrixRequestContext.setContextOnCurrentThread(context);
    Observable<String> values =
        call instanceof Emitting emitting
            ? emitting.toObservable().toList().map(list -> String.join(" ", list))
            : ((Call) call).toObservable();
    Subscription subscription =
        values.subscribe(
            value -> later(() -> answer.complete(said(call, value))),
            error -> later(() -> answer.complete(said(call, word(error)))));
    if (cancelMs >= 0) {
      timer.schedule(
          () -> {
            noteLate(dueNs + cancelMs * 1_000_000);
            subscription.unsubscribe();
            later(() -> answer.complete(said(call, "cancelled")));
          },
          cancelMs,
          TimeUnit.MILLISECONDS);
    }
  }

  /** Events are complete only a moment after the answer. */
  static void later(Runnable action) {
    timer.schedule(action, 20, TimeUnit.MILLISECONDS);
  }

  static String word(Throwable error) {
    if (error instanceof HystrixBadRequestException) return "BAD_REQUEST_EXCEPTION";
    if (error instanceof HystrixRuntimeException failed) return failed.getFailureType().name();
    return error.getClass().getSimpleName();
  }

  static String said(HystrixInvokableInfo<String> call, String answer) {
    List<String> words = new ArrayList<>();
    for (HystrixEventType event : call.getExecutionEvents()) words.add("\"" + event.name() + "\"");
    return "{\"answer\":\"" + answer + "\",\"events\":[" + String.join(",", words) + "]}";
  }
}
