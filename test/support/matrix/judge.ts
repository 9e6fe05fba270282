/** What must hold after each row of the matrix: the row itself, and silence of model, kernel and server. */
import { expect } from 'vitest';
import type { Bench } from './bench.js';
import type { Row } from './rows.js';

/** Runs a row. @returns the findings that it provoked and that are explained */
export async function judge(bench: Bench, row: Row): Promise<string[]> {
  await row.run(bench).catch((error: unknown) => {
    const said = bench.warnings.splice(0);
    throw said.length > 0 ? new Error(`${error}; the server: ${said.join('; ')}`) : error;
  });
  const { unexplained, explained } = bench.findings([...bench.chip.explained, ...(row.explained ?? [])]);
  const known = [...(row.complaints ?? []), ...(bench.chip.driver.complaints ?? [])];
  const complaints = (await bench.lab.complaints()).filter((line) => !known.some((each) => each.line.test(line)));
  const said = [...unexplained, ...complaints, ...bench.warnings.splice(0)];
  expect(said.join('\n'), 'what model, kernel and server complain of').toBe('');
  return explained;
}
