// Runs declarative pipelines as Jenkins does, as far as those of this repository go. What it does not know is
// refused: sections, steps, options and their arguments, and code outside script { }. The scripts of sh steps
// really run. Its argument is a file with JSON, a list of {pipeline, directory, environment, aborts}, where
// aborts is a part of the script at which the build is aborted. It prints what became of each build.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.util.concurrent.TimeUnit
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.BlockStatement
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.CompilerConfiguration

class Invalid extends Error { Invalid(String message) { super(message) } }

class Failed extends Exception { Failed(String message) { super(message) } }

class Aborted extends Exception {}

class CurrentBuild { String description, result = 'SUCCESS' }

// Build is one build of a pipeline.
class Build {
  Map<String, String> environment
  File directory
  String aborts
  CurrentBuild current = new CurrentBuild()
  List<String> ran = [], skipped = [], scripts = [], options = []
  StringBuilder log = new StringBuilder()
}

// Section is what a closure of the pipeline may use.
abstract class Section {
  Build build
  Set<String> used = []

  // bind makes the closure one of the section.
  Closure bind(Section section, Closure body) {
    section.build = build
    body = body.clone() as Closure
    body.delegate = section
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body
  }

  Section enter(Section section, Closure body) {
    bind(section, body).call()
    section
  }

  void once(String name) { if (!used.add(name)) throw new Invalid("$name twice") }

  void need(Map<String, Object> arguments, Map<String, Class> known) {
    arguments.each { name, value ->
      if (!known[name]?.isInstance(value)) throw new Invalid("the argument $name: ${value.inspect()}")
    }
  }

  def methodMissing(String name, arguments) { throw new Invalid("${getClass().name} has no $name${(arguments as List)*.class*.simpleName}") }

  def propertyMissing(String name) { throw new Invalid("${getClass().name} has no $name") }

  def propertyMissing(String name, value) { throw new Invalid("${getClass().name} has no $name") }
}

class Root extends Section {
  Pipeline top

  void pipeline(Closure body) { once('pipeline'); top = enter(new Pipeline(), body) }
}

abstract class Part extends Section {
  static final Object any = new Object()
  Stages inner
  List<List<String>> variables = []
  Map<String, Closure> conditions = [:]

  void agent(Object which) { once('agent'); if (!which.is(any)) throw new Invalid("agent $which") }

  void environment(Closure body) { once('environment'); variables = enter(new Environment(), body).all }

  void stages(Closure body) { once('stages'); inner = enter(new Stages(), body) }

  void post(Closure body) { once('post'); conditions = enter(new Post(), body).all }
}

class Pipeline extends Part {
  void options(Closure body) { once('options'); enter(new Options(), body) }
}

class Options extends Section {
  void timestamps() { once('timestamps') }

  void timeout(Map arguments) {
    once('timeout')
    need(arguments, [time: Integer, unit: String])
    TimeUnit.valueOf(arguments.unit)
  }

  void disableConcurrentBuilds(Map arguments = [:]) {
    once('disableConcurrentBuilds')
    need(arguments, [abortPrevious: Boolean])
    build.options << "disableConcurrentBuilds$arguments".toString()
  }
}

class Environment extends Section {
  List<List<String>> all = []

  String credentials(String id) { "the secret $id" }

  def propertyMissing(String name, value) {
    if (!(value instanceof CharSequence)) throw new Invalid("the variable $name: ${value.inspect()}")
    all << [name, value.toString()]
  }
}

class Stages extends Section {
  List<Stage> all = []

  void stage(String name, Closure body) { once(name); all << (Stage) enter(new Stage(name: name), body) }
}

class Stage extends Part {
  String name
  List<Closure> asked = []
  Closure body

  void when(Closure body) { once('when'); asked = enter(new When(), body).all }

  void steps(Closure body) { once('steps'); this.body = body }
}

// When collects conditions. They are asked when the stage begins.
class When extends Section {
  List<Closure> all = []

  void branch(String name) { all << { build.environment.BRANCH_NAME == name } }

  void buildingTag() { all << { build.environment.TAG_NAME as boolean } }

  void expression(Closure body) { all << { bind(new Steps(), body).call() as boolean } }

  void not(Closure body) {
    def within = within(body)
    if (within.size() != 1) throw new Invalid("not with ${within.size()} conditions")
    all << { !within[0].call() }
  }

  void anyOf(Closure body) { def within = within(body); all << { within.any { it.call() } } }

  void allOf(Closure body) { def within = within(body); all << { within.every { it.call() } } }

  private List<Closure> within(Closure body) {
    def all = enter(new When(), body).all
    if (!all) throw new Invalid('no condition')
    all
  }
}

class Post extends Section {
  Map<String, Closure> all = [:]

  void always(Closure body) { once('always'); all.always = body }

  void success(Closure body) { once('success'); all.SUCCESS = body }

  void failure(Closure body) { once('failure'); all.FAILURE = body }

  void aborted(Closure body) { once('aborted'); all.ABORTED = body }

  void cleanup(Closure body) { once('cleanup'); all.cleanup = body }
}

class Steps extends Section {
  Map<String, String> getEnv() { build.environment }

  CurrentBuild getCurrentBuild() { build.current }

  def script(Closure body) { bind(this, body).call() }

  void echo(String text) { build.log << text << '\n' }

  void error(String text) { throw new Failed(text) }

  def sh(String script) { sh(script: script) }

  def sh(Map arguments) {
    need(arguments, [script: String, returnStdout: Boolean, returnStatus: Boolean, label: String])
    if (!arguments.script || arguments.returnStdout && arguments.returnStatus) throw new Invalid("sh $arguments")
    build.scripts << (String) arguments.script
    def file = File.createTempFile('script', '.sh')
    file.text = arguments.script
    def starting = new ProcessBuilder('sh', '-xe', file.path).directory(build.directory)
    starting.environment().clear()
    starting.environment().putAll(build.environment)
    def process = starting.start()
    def out = new StringBuilder()
    process.waitForProcessOutput(out, build.log)
    file.delete()
    if (build.aborts && arguments.script.contains(build.aborts)) throw new Aborted()
    if (arguments.returnStatus) return process.exitValue()
    if (process.exitValue() != 0) throw new Failed("script returned exit code ${process.exitValue()}")
    if (arguments.returnStdout) return out.toString()
    build.log << out
    null
  }
}

// Runner performs what the sections say.
class Runner {
  Build build

  void perform(Part part, Closure work) {
    part.variables.each { build.environment[it[0]] = it[1] }
    def result = 'SUCCESS', problem = null
    try {
      work()
    } catch (Failed | Aborted e) {
      result = e instanceof Aborted ? 'ABORTED' : 'FAILURE'
      build.current.result = result
      problem = e
      build.log << "$e\n"
    }
    ['always', result, 'cleanup'].each { name ->
      try {
        if (part.conditions[name]) part.bind(new Steps(), part.conditions[name]).call()
      } catch (Failed e) {
        build.current.result = 'FAILURE'
        problem = problem ?: e
        build.log << "post $name: $e\n"
      }
    }
    if (problem) throw problem
  }

  void performAll(Stages stages) {
    stages.all.each { stage ->
      if (!stage.asked.every { it.call() }) {
        build.skipped << stage.name
        return
      }
      build.ran << stage.name
      perform(stage) { stage.body ? stage.bind(new Steps(), stage.body).call() : performAll(stage.inner) }
    }
  }
}

// check refuses code outside of the closures that may have it.
void check(BlockStatement block, boolean assigns = false) {
  block.statements.each { statement ->
    def call = statement instanceof ExpressionStatement ? statement.expression : null
    if (assigns && call instanceof BinaryExpression && call.operation.text == '=') return
    if (!(call instanceof MethodCallExpression) || !call.implicitThis) throw new Invalid("line ${statement.lineNumber} is code: ${statement.text}")
    def last = call.arguments.expressions ? call.arguments.expressions.last() : null
    if (last instanceof ClosureExpression && !(call.methodAsString in ['script', 'expression'])) {
      check(last.code, call.methodAsString == 'environment')
    }
  }
}

// checkStages refuses stages without work.
void checkStages(Stages stages) {
  if (!stages?.all) throw new Invalid('no stage')
  stages.all.each {
    if ((it.body == null) == (it.inner == null)) throw new Invalid("the stage $it.name has not one of steps and stages")
    if (it.inner) checkStages(it.inner)
  }
}

def results = new JsonSlurper().parse(new File(args[0])).collect { one ->
  def build = new Build(environment: one.environment, directory: new File(one.directory), aborts: one.aborts)
  try {
    check(new AstBuilder().buildFromString(CompilePhase.CONVERSION, false, one.pipeline)[0])
    def script = new GroovyShell(new CompilerConfiguration(scriptBaseClass: DelegatingScript.name)).parse(one.pipeline)
    def root = new Root(build: build)
    script.setDelegate(root)
    script.run()
    checkStages(root.top.inner)
    def runner = new Runner(build: build)
    runner.perform(root.top) { runner.performAll(root.top.inner) }
  } catch (Failed | Aborted e) {
    // the result says it
  } catch (Invalid | GroovyRuntimeException | IllegalArgumentException e) {
    return [invalid: e.message]
  }
  def told = new Properties(), file = new File(build.directory, 'beansprout.env')
  if (file.exists()) file.withReader { told.load(it) }
  [result: build.current.result, description: build.current.description, stages: build.ran, skipped: build.skipped,
   scripts: build.scripts, options: build.options, told: told, log: build.log.toString()]
}
println JsonOutput.toJson(results)
