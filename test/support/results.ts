/**
 * What foreign code proved in this run: one JSON line each in the file NICFORGE_RESULTS names. The support matrix in the
 * README is made of them (`npm run matrix`).
 */
import { appendFileSync } from 'node:fs';

/** One proof. */
export interface Proof {
  readonly nic: string;
  /** What was judged. */
  readonly side: 'model' | 'driver' | 'stack' | 'pci';
  /** Who judged, with version. */
  readonly stranger: string;
  /** What worked. */
  readonly what: string;
}

/** Notes a proof; call it after the last assertion of a test. */
export function proved(proof: Proof): void {
  const file = process.env['NICFORGE_RESULTS'];
  if (file) appendFileSync(file, `${JSON.stringify(proof)}\n`);
}
