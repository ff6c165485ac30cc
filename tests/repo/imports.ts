/** Every way a file can reach another module, found in its syntax tree: what a text search would miss or invent. */
import { posix } from 'node:path';
import { parseSync } from 'vite';
import type { SourceFile } from './files.ts';

export type Import = {
  line: number;
  specifier: string;
  /** Gone when the types are stripped: nothing is loaded. */
  typeOnly: boolean;
  /** Loaded when the line is reached (`import()`), not before the file itself runs. */
  late: boolean;
  target:
    | { kind: 'file' /** Relative to the repository. */; path: string }
    | { kind: 'package'; name: string }
    | { kind: 'builtin' /** Without `node:`. */; name: string }
    | { kind: 'unknown' };
};
/** Something that gets around imports: a computed import, `process.binding`, `createRequire`. */
export type Bypass = { line: number; what: string };

type Node = { type: string; start: number; [key: string]: unknown };
const isNode = (v: unknown): v is Node => typeof v === 'object' && v !== null && 'type' in v && typeof v.type === 'string';

const BUILTIN =
  /^(assert|async_hooks|buffer|child_process|cluster|console|constants|crypto|dgram|diagnostics_channel|dns|domain|events|fs|http|http2|https|inspector|module|net|os|path|perf_hooks|process|punycode|querystring|readline|repl|stream|string_decoder|sys|timers|tls|trace_events|tty|url|util|v8|vm|wasi|worker_threads|zlib)(\/|$)/;

const targetOf = (from: string, raw: string): Import['target'] => {
  const specifier = raw.replace(/[?#].*$/, '');
  if (specifier.startsWith('./') || specifier.startsWith('../') || specifier === '.' || specifier === '..') {
    // the loader reads relative specifiers as URLs: %2e is a dot to it
    const path = posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(specifier)));
    return path.startsWith('..') ? { kind: 'unknown' } : { kind: 'file', path };
  }
  if (specifier.startsWith('node:')) return { kind: 'builtin', name: specifier.slice(5) };
  if (specifier.startsWith('/') || specifier === '' || /^[a-z]+:/.test(specifier)) return { kind: 'unknown' };
  // workspaces of this repository by their package names
  const own = /^@dplaneos\/([a-z]+)\/(.+)$/.exec(specifier);
  if (own) return { kind: 'file', path: posix.normalize(`${own[1]}/${own[2]}`) };
  if (BUILTIN.test(specifier)) return { kind: 'builtin', name: specifier };
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return { kind: 'package', name };
};

/** Properties that load code or start a process behind the back of `import`, whatever object they are read from. */
const BACK_DOORS = new Set(['_linkedBinding', 'dlopen', 'execve', 'getBuiltinModule', 'createRequire', '_load']);

const nameOf = (v: unknown): string | null => {
  if (!isNode(v)) return null;
  if (v.type === 'Identifier') return String(v.name);
  return v.type === 'Literal' && typeof v.value === 'string' ? v.value : null;
};
/** The text of a specifier that stands in the source as it is. */
const literal = (v: unknown): string | null => {
  if (!isNode(v)) return null;
  if (v.type === 'Literal' && typeof v.value === 'string') return v.value;
  if (v.type !== 'TemplateLiteral' || !Array.isArray(v.quasis) || v.quasis.length !== 1) return null;
  const value: unknown = v.quasis[0]?.value;
  return typeof value === 'object' && value !== null && 'cooked' in value && typeof value.cooked === 'string' ? value.cooked : null;
};

export const readImports = (file: SourceFile): { imports: Import[]; bypasses: Bypass[] } => {
  const imports: Import[] = [];
  const bypasses: Bypass[] = [];
  const { program, errors } = parseSync(file.path, file.text);
  const lineAt = (offset: number): number => file.text.slice(0, offset).split('\n').length;
  if (errors.length > 0) bypasses.push({ line: 1, what: `cannot be parsed: ${errors[0]?.message}` });
  const add = (node: Node, source: unknown, typeOnly: boolean, late = false): void => {
    const specifier = literal(source);
    if (specifier === null) bypasses.push({ line: lineAt(node.start), what: 'imports a computed path, which nobody can check' });
    else imports.push({ line: lineAt(node.start), specifier, typeOnly, late, target: targetOf(file.path, specifier) });
  };
  const bypass = (node: Node, name: string): void => void bypasses.push({ line: lineAt(node.start), what: `uses ${name}` });

  const visit = (node: Node): void => {
    switch (node.type) {
      case 'ImportDeclaration':
        add(node, node.source, node.importKind === 'type');
        break;
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        if (node.source) add(node, node.source, node.exportKind === 'type');
        break;
      case 'ImportExpression':
        add(node, node.source, false, true);
        break;
      case 'TSImportType':
        add(node, node.source, true);
        break;
      case 'TSExternalModuleReference':
        add(node, node.expression, false);
        break;
      case 'CallExpression':
        if (isNode(node.callee) && nameOf(node.callee.property) === 'getBuiltinModule') {
          // an import by another name: Node loads the module alone, without reading all its exports
          const name = Array.isArray(node.arguments) ? literal(node.arguments[0]) : null;
          if (name !== null) {
            const builtin = name.replace(/^node:/, '');
            imports.push({
              line: lineAt(node.start),
              specifier: name,
              typeOnly: false,
              late: true,
              target: { kind: 'builtin', name: builtin },
            });
            node.callee = null;
          }
        }
        if (nameOf(node.callee) === 'require') add(node, Array.isArray(node.arguments) ? node.arguments[0] : null, false);
        break;
      case 'ImportSpecifier':
      case 'Property': {
        const name = nameOf(node.imported ?? node.key);
        if (name !== null && BACK_DOORS.has(name)) bypass(node, name);
        break;
      }
      case 'VariableDeclarator':
        if (nameOf(node.init) === 'process' && isNode(node.id) && Array.isArray(node.id.properties))
          for (const p of node.id.properties) if (isNode(p) && nameOf(p.key) === 'binding') bypass(node, 'process.binding');
        break;
      case 'MemberExpression': {
        const name = nameOf(node.property);
        const object = isNode(node.object) && node.object.type === 'MemberExpression' ? nameOf(node.object.property) : nameOf(node.object);
        if (name !== null && (BACK_DOORS.has(name) || (name === 'binding' && object === 'process'))) bypass(node, name);
        break;
      }
    }
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) visit(item);
      } else if (isNode(value)) visit(value);
    }
  };
  // the parser's own node types differ by kind; here only their common shape matters
  visit(program as unknown as Node);
  return { imports, bypasses };
};
