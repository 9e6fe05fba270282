/** What a row of the matrix is. */
import type { Bench, Target } from './bench.js';
import type { Chip, Explained, Feature, Mode } from './chips.js';

/** One thing that is tried on one NIC in one interrupt mode. */
export interface Row {
  readonly name: string;
  /** `short`: also in the run that everybody makes. */
  readonly tier: 'short' | 'full';
  /** Also in the modes after a chip's first. */
  readonly everyMode?: boolean;
  /** What the chip must have; all of them. */
  readonly needs?: readonly Feature[];
  /** Further conditions. */
  readonly applies?: (chip: Chip, mode: Mode, target: Target) => boolean;
  /** Why the control fails this row: a limit of QEMU's device, known and named. */
  readonly controlLimit?: Readonly<Record<string, string>>;
  /** Findings that this row provokes. */
  readonly explained?: readonly Explained[];
  /** Lines of the kernel's log that this row provokes, with the reason. */
  readonly complaints?: readonly { readonly line: RegExp; readonly why: string }[];
  /** Tries it; throws when it does not work. */
  run(bench: Bench): Promise<void>;
}

/** What came of a row. */
export interface RowResult {
  readonly nic: string;
  readonly target: Target;
  readonly mode: Mode;
  readonly row: string;
  readonly status: 'passed' | 'failed' | 'limit';
  /** Why it failed, or the limit's name. */
  readonly detail?: string;
  /** Findings of the model that the row provoked and that are explained. */
  readonly explained?: readonly string[];
  readonly milliseconds: number;
}

/** Throws with what was expected and found. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
