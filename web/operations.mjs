// @ts-check
/** Turns `src/lib/api/operations/*.graphql` into typed modules, and into the list of what the viewer may ask. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, Kind, parse, validate, visit } from 'graphql';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
export const SOURCES = here('src/lib/api/operations/');
const GENERATED = here('src/lib/api/generated/');
const SCHEMA = here('../graphql/schema.graphql');

/**
 * One file's definition.
 *
 * @typedef {{ file: string, name: string, kind: string, text: string, uses: string[] }} Definition
 */

/** @returns {Definition[]} */
function read() {
  return readdirSync(SOURCES)
    .filter((file) => file.endsWith('.graphql'))
    .sort()
    .map((file) => {
      const source = readFileSync(SOURCES + file, 'utf8');
      const [definition, ...more] = parse(source).definitions;
      if (!definition || more.length > 0) throw new Error(`${file} has to hold one definition`);
      if (
        (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) ||
        !definition.name
      ) {
        throw new Error(`${file} holds neither a named operation nor a fragment`);
      }
      const name = definition.name.value;
      const expected = `${name.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase()}.graphql`;
      if (file !== expected) throw new Error(`${file} holds ${name} and has to be called ${expected}`);
      const kind = definition.kind === Kind.FRAGMENT_DEFINITION ? 'fragment' : definition.operation;
      /** @type {Set<string>} */
      const uses = new Set();
      visit(definition, { FragmentSpread: (spread) => void uses.add(spread.name.value) });
      // No string in an operation holds a comment sign or spaces that count: values come as variables.
      const text = source
        .replace(/#.*$/gm, '')
        .replace(/[\s,]+/g, ' ')
        .trim();
      return { file, name, kind, text, uses: [...uses] };
    });
}

/**
 * Every fragment that a definition needs, each once.
 *
 * @param {Definition} definition
 * @param {Map<string, Definition>} byName
 */
function fragmentsOf(definition, byName) {
  /** @type {Set<Definition>} */
  const found = new Set();
  const follow = (/** @type {Definition} */ from) => {
    for (const name of from.uses) {
      const used = byName.get(name);
      if (!used) throw new Error(`${from.file} uses ${name}, which no file defines`);
      if (found.has(used)) continue;
      found.add(used);
      follow(used);
    }
  };
  follow(definition);
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Name of what a module exports: fragments by their name, operations with what they are at the end. */
const exported = (/** @type {Definition} */ { name, kind }) =>
  kind === 'fragment' ? name : name + kind[0]?.toUpperCase() + kind.slice(1);

const moduleName = (/** @type {Definition} */ { file }) => file.replace(/\.graphql$/, '');

/**
 * Writes the typed modules; an operation that does not fit the server's schema fails.
 *
 * @returns {string} what the server lets the viewer ask: each operation's text, exactly as sent, by its name, as JSON
 */
export function generate() {
  const definitions = read();
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
  mkdirSync(GENERATED, { recursive: true });
  const kept = new Set(definitions.map((definition) => `${moduleName(definition)}.ts`));
  for (const file of readdirSync(GENERATED)) if (!kept.has(file)) rmSync(GENERATED + file);
  /** @type {Record<string, string>} */
  const allowed = {};
  for (const definition of definitions) {
    const fragments = fragmentsOf(definition, byName);
    if (definition.kind !== 'fragment') {
      const text = [definition, ...fragments].map((part) => part.text).join(' ');
      const errors = validate(schema, parse(text));
      if (errors.length > 0) throw new Error(`${definition.file} does not fit: ${errors.join('\n')}`);
      allowed[definition.name] = text;
    }
    writeIfNew(`${GENERATED}${moduleName(definition)}.ts`, moduleOf(definition, fragments));
  }
  return `${JSON.stringify(allowed, null, 2)}\n`;
}

/**
 * @param {Definition} definition
 * @param {Definition[]} fragments
 */
function moduleOf(definition, fragments) {
  const list = fragments.length > 0 ? `, [${fragments.map(exported).join(', ')}]` : '';
  return [
    `// made from ../operations/${definition.file} by \`npm run generate\``,
    `import { graphql } from '../graphql';`,
    ...fragments.map((fragment) => `import { ${exported(fragment)} } from './${moduleName(fragment)}';`),
    `export const ${exported(definition)} = graphql(\`${definition.text}\`${list});`,
    '',
  ].join('\n');
}

/**
 * An unchanged file keeps its date, so that nothing is made anew after it.
 *
 * @param {string} path
 * @param {string} text
 */
function writeIfNew(path, text) {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  writeFileSync(path, text);
}

/** @returns {import('vite').Plugin} makes the modules before anything reads them, and `operations.json` beside the page. */
export function operations() {
  let allowed = '';
  return {
    name: 'operations',
    buildStart() {
      this.addWatchFile(SOURCES);
      allowed = generate();
    },
    handleHotUpdate({ file }) {
      if (file.startsWith(SOURCES)) generate();
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'operations.json', source: allowed });
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generate();
