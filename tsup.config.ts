import { readdirSync, statSync } from 'node:fs';
import { defineConfig } from 'tsup';

/** One entry per room (a folder with an index.ts), plus the root and the command. */
function rooms(): Record<string, string> {
  const entry: Record<string, string> = { index: 'src/index.ts', cli: 'src/cli/main.ts' };
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = `${folder}/${name}`;
      if (!statSync(path).isDirectory()) continue;
      try {
        if (statSync(`${path}/index.ts`).isFile()) entry[`${path.slice(4)}/index`] = `${path}/index.ts`;
      } catch {}
      visit(path);
    }
  };
  visit('src');
  return entry;
}

/** `npm start` and the tests run the code only: declarations take most of a build's time. */
const quick = process.env['NICFORGE_NO_DTS'] !== undefined || process.env['npm_lifecycle_event'] === 'prestart';

export default defineConfig({
  entry: rooms(),
  format: ['esm'],
  target: 'node20',
  splitting: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
  removeNodeProtocol: false,
  external: ['koffi', 'v86'],
  dts: quick ? false : { resolve: ['typed-emitter'], compilerOptions: { ignoreDeprecations: '6.0' } },
});
