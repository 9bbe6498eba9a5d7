// @ts-check
/**
 * The public surface on one page: docs/api.md, written from the declarations in dist/.
 *
 *   node scripts/api-report.js           compares, and shows what differs
 *   node scripts/api-report.js --write   writes it
 *
 * Whoever changes what users can import or must pass sees it as a change of this file, and so does whoever reviews it. Doc comments
 * are left out: only what a compiler would notice belongs here. What public declarations mention without being exported
 * themselves stands at the end, since it is just as hard to change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const REPORT = 'docs/api.md';
const WRITE = 'node scripts/api-report.js --write';
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

/**
 * The report for the package in `root`: package.json with `exports`, and the declarations they point to.
 * @param {string} root
 * @returns {string}
 */
export function apiReport(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(manifest.exports)
    .filter(([, target]) => target.endsWith('.js'))
    .map(([subpath, target]) => ({
      name: manifest.name + subpath.slice(1),
      file: join(root, target.replace(/\.js$/, '.d.ts')),
    }));
  const missing = entries.find(({ file }) => !existsSync(file));
  if (missing)
    throw new Error(
      `package.json exports ${missing.name}, but there is no ${relative(root, missing.file)}. Run: npm run build`,
    );
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true, types: [], noEmit: true },
  );
  return new Report(program, root).of(entries);
}

class Report {
  #checker;
  #program;
  #root;
  /** @type {Map<ts.Symbol, string>} where a symbol was first exported */
  #homes = new Map();

  /**
   * @param {ts.Program} program
   * @param {string} root
   */
  constructor(program, root) {
    this.#program = program;
    this.#checker = program.getTypeChecker();
    this.#root = root;
  }

  /** @param {ReadonlyArray<{ name: string, file: string }>} entries */
  of(entries) {
    const sections = entries.map(({ name, file }) => `## ${name}\n\n${this.#entry(name, file)}`);
    const hidden = this.#mentioned();
    const rest = hidden.length === 0 ? [] : [`## Mentioned above, not exported\n\n${fenced(hidden)}`];
    const head = `# The public surface\n\nWritten by \`${WRITE}\` from the declarations in dist/; a check fails when it is out of date.`;
    return `${[head, ...sections, ...rest].join('\n\n')}\n`;
  }

  /**
   * @param {string} name
   * @param {string} file
   */
  #entry(name, file) {
    const source = this.#program.getSourceFile(file);
    const module = source && this.#checker.getSymbolAtLocation(source);
    if (!module) return 'Nothing.';
    const exported = this.#checker.getExportsOfModule(module).sort((a, b) => compare(a.name, b.name));
    const [declared, again] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
    for (const symbol of exported) {
      const target = this.#resolved(symbol);
      const home = this.#homes.get(target);
      if (home) again.push(`- \`${symbol.name}\`, as in ${home}`);
      else declared.push(this.#declaration(symbol.name, target));
      if (!home) this.#homes.set(target, name);
    }
    return [declared.length > 0 ? fenced(declared) : '', again.join('\n')].filter(Boolean).join('\n\n');
  }

  /** @param {ts.Symbol} symbol */
  #resolved(symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  /**
   * @param {string} name under which it is exported
   * @param {ts.Symbol} symbol
   */
  #declaration(name, symbol) {
    const texts = (symbol.declarations ?? []).map((declaration) => printed(declaration));
    const renamed = name === symbol.name ? [] : [`// exported as ${name}`];
    return [...renamed, ...new Set(texts)].join('\n');
  }

  /** Declarations of ours that public ones name, and theirs, and so on, unless they are public too. */
  #mentioned() {
    /** @type {Map<ts.Symbol, string>} */
    const found = new Map();
    const visit = (/** @type {ts.Node} */ node) => {
      if (ts.isIdentifier(node)) this.#meet(node, found, visit);
      ts.forEachChild(node, visit);
    };
    for (const symbol of this.#homes.keys()) for (const declaration of symbol.declarations ?? []) visit(declaration);
    return [...found.values()].sort(compare);
  }

  /**
   * @param {ts.Identifier} node
   * @param {Map<ts.Symbol, string>} found
   * @param {(node: ts.Node) => void} visit
   */
  #meet(node, found, visit) {
    const here = this.#checker.getSymbolAtLocation(node);
    const symbol = here && this.#resolved(here);
    const declaration = symbol?.declarations?.[0];
    if (!symbol || !declaration || this.#homes.has(symbol) || found.has(symbol) || !this.#isOurs(declaration)) return;
    found.set(symbol, this.#declaration(symbol.name, symbol));
    visit(declaration);
  }

  /** @param {ts.Declaration} declaration a named thing at the top of one of our files, not a member or a parameter */
  #isOurs(declaration) {
    const file = declaration.getSourceFile();
    if (ts.isSourceFile(declaration) || relative(this.#root, file.fileName).includes('node_modules')) return false;
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    return statement.parent === file && file.fileName.startsWith(this.#root);
  }
}

/** @param {ts.Declaration} declaration */
function printed(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const text = printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile());
  // `#private` and `private` members are in the declarations only to make the class nominal.
  return text
    .replace(/^export (?:declare )?|^declare /gm, '')
    .replace(/^ *(?:#private|private [\w$]+(?:\?)?);\n/gm, '')
    .replace(/^( +)/gm, (indent) => indent.slice(indent.length / 2));
}

/** @param {readonly string[]} texts */
function fenced(texts) {
  return `\`\`\`ts\n${texts.join('\n\n')}\n\`\`\``;
}

/**
 * By name, the same on every machine.
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Lines that only one of the two has, as a patch shows them. A declaration that merely moved is no difference to anybody.
 * @param {string} before
 * @param {string} after
 * @returns {string[]}
 */
export function difference(before, after) {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [...without(old, now).map((line) => `- ${line}`), ...without(now, old).map((line) => `+ ${line}`)];
}

/**
 * @param {readonly string[]} lines
 * @param {readonly string[]} others each takes away one line that is equal
 */
function without(lines, others) {
  /** @type {Map<string, number>} */
  const left = new Map();
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

/**
 * @param {string} root
 * @param {boolean} write
 */
function compareOrWrite(root, write) {
  const file = join(root, REPORT);
  const report = apiReport(root);
  if (write) writeFileSync(file, report);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before !== report) {
    console.log(`The public surface is not the one in ${REPORT}:\n`);
    console.log(difference(before, report).join('\n'));
    console.log(`\nIf that is what you meant, run: ${WRITE}   and tell users in CHANGELOG.md.`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    compareOrWrite(fileURLToPath(new URL('..', import.meta.url)), process.argv.includes('--write'));
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
