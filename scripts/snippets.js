// @ts-check
/**
 * Docs as tests: every TypeScript example in the documentation and in doc comments is type-checked, and the marked ones run.
 *
 * The word after the fence's language says how:
 *   ```ts                       a module of its own, checked against the source
 *   ```ts run                   also run, on the compiled package; it must end by itself, with exit code 0
 *   ```ts given app, session    as if these were there already (the names below), for examples that show one line
 *   ```ts ignore: why           neither; for pseudo-code, with the reason
 * In doc comments, what stands under `@example` may use what its file exports, the given names, and whatever the package exports,
 * without importing it. Each example becomes a file in build/snippets, inside the package, so that `import ... from 'sojourn'`
 * means what it means to users.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { readProject } from './tidy.js';

/**
 * What an example may take for given.
 * @type {Record<string, string>}
 */
const given = {
  session: "import('sojourn').Session<Record<string, any>>",
  s: "import('sojourn').Sessions<Record<string, any>, import('sojourn').Store & import('sojourn').Indexed>",
  store: "import('sojourn').Store & import('sojourn').Indexed",
  app: "import('express').Express",
  req: "import('express').Request",
  res: "import('express').Response",
  myStore: "(folder?: string) => import('sojourn').Store",
  myCodec: "() => import('sojourn').Codec",
  folder: 'string',
  client: "Awaited<ReturnType<ReturnType<typeof import('redis').createClient>['connect']>>",
  RedisStore: "typeof import('connect-redis').RedisStore",
  key: 'string',
  newKey: 'string',
  oldKey: 'string',
  keys: 'readonly string[]',
  secret: 'string',
  password: 'string',
  test: "typeof import('vitest').test",
  describe: "typeof import('vitest').describe",
  expect: "typeof import('vitest').expect",
};

/**
 * @typedef {object} Snippet
 * @property {string} where file and line of its first line of code
 * @property {string} path
 * @property {number} line
 * @property {string} code
 * @property {readonly string[]} given names of the table above
 * @property {readonly string[]} own names that its own file exports
 * @property {boolean} terse may use public names without importing them
 * @property {boolean} run
 */

const FOLDER = 'build/snippets';

/**
 * @param {import('./tidy.js').Files} files
 * @returns {{ snippets: Snippet[], complaints: string[] }}
 */
export function collect(files) {
  /** @type {Snippet[]} */
  const snippets = [];
  /** @type {string[]} */
  const complaints = [];
  for (const [path, text] of files) {
    if (isDocumentation(path)) collectFences(path, text, snippets, complaints);
    else if (/^src\/.*\.ts$/.test(path) && !/\.test(?:-d)?\.ts$/.test(path)) collectExamples(path, text, snippets);
  }
  return { snippets, complaints };
}

/** @param {string} path */
function isDocumentation(path) {
  return /^(?:README|CONTRIBUTING|ARCHITECTURE)\.md$|^docs\/(?!decisions\/|api\.md).*\.md$/.test(path);
}

/**
 * @param {string} path
 * @param {string} text
 * @param {Snippet[]} snippets
 * @param {string[]} complaints
 */
function collectFences(path, text, snippets, complaints) {
  for (const match of text.matchAll(/^( *)```(?:ts|typescript)\b *(.*)\n([\s\S]*?)^ *```/gm)) {
    const [, indent = '', info = '', code = ''] = match;
    const line = lineAt(text, match.index) + 1;
    const how = readInfo(info);
    if (!how)
      complaints.push(
        `${path}:${line - 1}: "${info}" is not a way to mark an example. Known: run; given <names>; ignore: <reason>.`,
      );
    else if (how.check)
      snippets.push({
        where: `${path}:${line}`,
        path,
        line,
        code: code.replaceAll(`\n${indent}`, '\n'),
        own: [],
        terse: false,
        ...how,
      });
  }
}

/** @param {string} info what follows the language */
function readInfo(info) {
  if (/^ignore\b/.test(info)) return /^ignore: *\S/.test(info) ? { check: false, run: false, given: [] } : undefined;
  const parts = /^(run)?\s*(?:given (\w+(?:, *\w+)*))?$/.exec(info.trim());
  const names = parts?.[2]?.split(/, */) ?? [];
  if (!parts || names.some((name) => !(name in given))) return undefined;
  return { check: true, run: parts[1] === 'run', given: names };
}

/**
 * @param {string} path
 * @param {string} text
 * @param {Snippet[]} snippets
 */
function collectExamples(path, text, snippets) {
  // A function with several signatures is one name.
  const exported = [
    ...new Set(
      [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map((match) => match[1] ?? ''),
    ),
  ];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    for (const example of comment[0].matchAll(/@example\b([\s\S]*?)(?=^ *\* *@\w|\*\/)/gm)) {
      const line = lineAt(text, comment.index + example.index);
      const code = (example[1] ?? '').replace(/^ *\* ?/gm, '').replace(/^ *```.*$/gm, '');
      const lacks = (/** @type {string} */ name) => uses(code, name) && !makes(code, name);
      const own = exported.filter(lacks);
      const others = Object.keys(given).filter((name) => lacks(name) && !own.includes(name));
      snippets.push({ where: `${path}:${line}`, path, line, code, given: others, own, terse: true, run: false });
    }
  }
}

/**
 * @param {string} code
 * @param {string} name
 */
function uses(code, name) {
  return new RegExp(`(?<![\\w.'"/])${name}\\b(?!['":])`).test(code);
}

/**
 * @param {string} code
 * @param {string} name
 */
function makes(code, name) {
  return new RegExp(`\\b(?:const|let|function)\\s+${name}\\b|^import\\b[^;]*\\b${name}\\b[^;]*\\bfrom\\b`, 'm').test(
    code,
  );
}

/**
 * Type-checks the examples against the project in `root`, whose tsconfig.json says how.
 * @param {readonly Snippet[]} snippets
 * @param {string} root
 * @returns {string[]} complaints
 */
export function typeCheck(snippets, root) {
  const folder = join(root, FOLDER);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const options = { ...compilerOptions(root), noEmit: true, noUnusedLocals: false };
  const [names, library] = publicNames(root, options);
  const named = new Map(snippets.map((snippet, index) => [fileFor(folder, snippet, index), snippet]));
  for (const [file, snippet] of named) writeFileSync(file, moduleOf(snippet, names));
  const program = ts.createProgram([...named.keys()], options, undefined, library);
  return [...named].flatMap(([file, snippet]) => {
    const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    return diagnostics.filter((found) => found.file).map((found) => explain(found, snippet));
  });
}

/**
 * What the package exports, types apart: name -> public path. The program that found it out is good for a head start.
 * @param {string} root
 * @param {ts.CompilerOptions} options
 * @returns {[names: Map<string, string>, library: ts.Program]}
 */
function publicNames(root, options) {
  const paths = Object.entries(options.paths ?? {}).map(([name, [source = '']]) => ({
    name,
    file: resolve(root, source),
  }));
  const program = ts.createProgram(
    paths.map(({ file }) => file),
    options,
  );
  const checker = program.getTypeChecker();
  const names = new Map();
  for (const { name, file } of paths) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    for (const symbol of module ? checker.getExportsOfModule(module) : []) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const isValue = (target.flags & ts.SymbolFlags.Value) !== 0;
      if (isValue && !names.has(symbol.name)) names.set(symbol.name, name);
    }
  }
  return [names, program];
}

/** @param {string} root */
function compilerOptions(root) {
  const read = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  return ts.parseJsonConfigFileContent({ ...read.config, include: [], files: [] }, ts.sys, root).options;
}

/**
 * @param {string} folder
 * @param {Snippet} snippet
 * @param {number} index
 */
function fileFor(folder, snippet, index) {
  return resolve(
    folder,
    `${String(index).padStart(3, '0')}-${snippet.path.replace(/[^\w]+/g, '-')}-${snippet.line}.ts`,
  );
}

/**
 * The example keeps its own lines; what it takes for given comes behind it, where it moves none of them.
 * @param {Snippet} snippet
 * @param {ReadonlyMap<string, string>} names
 */
function moduleOf(snippet, names = new Map()) {
  const { code, own, terse } = snippet;
  const taken = [...own, ...snippet.given];
  const lacking = terse
    ? [...names].filter(([name]) => !taken.includes(name) && uses(code, name) && !makes(code, name))
    : [];
  return [
    code,
    ...(terse ? [`import { ${own.join(', ')} } from '../../${snippet.path.replace(/\.ts$/, '.js')}';`] : []),
    ...lacking.map(([name, path]) => `import { ${name} } from '${path}';`),
    ...snippet.given.map((name) => `declare const ${name}: ${given[name]};`),
    'export {};',
    '',
  ].join('\n');
}

/**
 * @param {ts.Diagnostic} diagnostic
 * @param {Snippet} snippet
 */
function explain(diagnostic, snippet) {
  const within = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
  return `${snippet.path}:${snippet.line + within}: ${message}`;
}

/**
 * Runs the examples that are marked so, one after the other, on the compiled package.
 * @param {readonly Snippet[]} snippets
 * @param {string} root
 * @returns {string[]} complaints
 */
export function runMarked(snippets, root) {
  mkdirSync(join(root, FOLDER), { recursive: true });
  return snippets.flatMap((snippet, index) =>
    snippet.run ? runOne(snippet, fileFor(join(root, FOLDER), snippet, index), root) : [],
  );
}

/**
 * @param {Snippet} snippet
 * @param {string} file
 * @param {string} root
 */
function runOne(snippet, file, root) {
  const { outputText } = ts.transpileModule(moduleOf(snippet), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const script = file.replace(/\.ts$/, '.mjs');
  writeFileSync(script, outputText);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status === 0) return [];
  return [
    `${snippet.where}: ended with ${signal ? `${signal} after 60 s` : `exit code ${status}`}:\n${(stdout + stderr).trim()}`,
  ];
}

/**
 * @param {string} text
 * @param {number} index
 */
function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { snippets, complaints } = collect(readProject(root));
  const found = [...complaints, ...typeCheck(snippets, root), ...runMarked(snippets, root)];
  for (const complaint of found) console.log(complaint);
  console.log(
    `note: ${snippets.length} examples checked, ${snippets.filter((snippet) => snippet.run).length} of them run`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}
