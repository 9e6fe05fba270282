/** Every TypeScript block of the README and the guides compiles against the sources, under the names of the package. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const files = ['README.md', ...readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`)];
const blocks = files.flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match, i) => ({
    name: `${file} block ${i + 1}`,
    text: match[1]!,
  })),
);

test('every block compiles', { timeout: 120_000 }, () => {
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  const texts = new Map(blocks.map((block, i) => [join(root, `docs-block-${i}.ts`), `${block.text}\nexport {};\n`]));
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { nicforge: [join(root, 'src/index.ts')], 'nicforge/*': [join(root, 'src/*/index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) => {
    const text = texts.get(name);
    return text === undefined
      ? getSourceFile.call(host, name, ...rest)
      : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
  };
  host.fileExists = (name) => texts.has(name) || fileExists.call(host, name);
  host.readFile = (name) => texts.get(name) ?? readFile.call(host, name);
  const program = ts.createProgram([...texts.keys()], options, host);
  const problems = ts
    .getPreEmitDiagnostics(program)
    .filter((problem) => problem.file && texts.has(problem.file.fileName))
    .map(
      (problem) =>
        `${blocks[[...texts.keys()].indexOf(problem.file!.fileName)]!.name}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`,
    );
  expect(problems).toEqual([]);
});

test('every block in C stands in the driver that the page is about', () => {
  const driver = readFileSync(join(root, 'examples/freestanding/realtek.c'), 'utf8');
  const page = readFileSync(join(root, 'docs/guides/bring-up-an-rtl8168.md'), 'utf8');
  const pieces = [...page.matchAll(/^```c\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  expect(pieces.length).toBeGreaterThanOrEqual(10);
  expect(pieces.filter((piece) => !driver.includes(piece))).toEqual([]);
});
