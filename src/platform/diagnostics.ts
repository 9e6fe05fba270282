/**
 * What went wrong, named: a closed vocabulary of mistakes that a driver can make and of things a model does not do.
 * A rule cites a datasheet section or two independent drivers; everything else is a note.
 */
import type { Micros } from './clock.js';
import { createEmitter, type TypedEmitter } from './events.js';

/** How bad. A run without errors and warnings has "no diagnostic"; notes do not count. */
export type Severity = 'error' | 'warning' | 'note';

interface Rule {
  readonly severity: Severity;
  /** One line: what the driver did. */
  readonly doc: string;
}

/** The vocabulary. */
export const RULES = {
  'unknown-register': { severity: 'warning', doc: 'access to an offset where the chip has no register' },
  'access-width': { severity: 'warning', doc: 'access of a width that the chip does not define here' },
  'reserved-bits': { severity: 'warning', doc: 'a reserved bit was changed' },
  'read-only-register': { severity: 'note', doc: 'write to a register that ignores writes' },
  unmodelled: { severity: 'note', doc: 'the chip does something here that the model does not' },
  'ring-length': { severity: 'error', doc: 'ring length is zero, too small or not a multiple of its unit' },
  'ring-alignment': { severity: 'error', doc: 'ring address is not aligned' },
  'tail-beyond-ring': { severity: 'error', doc: 'head or tail points outside the ring' },
  'ring-while-enabled': { severity: 'warning', doc: 'ring registers were changed while the unit runs' },
  'descriptor-type': { severity: 'error', doc: 'descriptor of an unknown or unexpected type' },
  'descriptor-length': { severity: 'error', doc: 'descriptor length is zero or too large' },
  'descriptor-chain': { severity: 'error', doc: 'descriptors form a loop or point outside their table' },
  'descriptor-direction': { severity: 'error', doc: 'a buffer of the wrong direction' },
  'descriptor-order': { severity: 'error', doc: 'descriptors of one packet in an impossible order' },
  'frame-without-end': { severity: 'warning', doc: 'the tail stands inside a packet: no descriptor carries EOP' },
  'frame-too-long': { severity: 'error', doc: 'more bytes in one packet than the chip can send' },
  'frame-too-short': { severity: 'warning', doc: 'a frame below the Ethernet minimum was sent without padding' },
  'offload-context': { severity: 'error', doc: 'checksum or segmentation asked without or with an impossible context' },
  'dma-fault': { severity: 'error', doc: 'DMA to an address where there is no memory' },
  'dma-disabled': { severity: 'error', doc: 'DMA needed while bus mastering is off' },
  'dma-not-allocated': { severity: 'error', doc: 'DMA to memory that nobody has allocated' },
  'use-while-disabled': { severity: 'warning', doc: 'doorbell while the unit is off' },
  'use-before-ready': { severity: 'error', doc: 'the device was used before it was set up' },
  'phy-address': { severity: 'warning', doc: 'no PHY answers at this address' },
  'phy-busy': { severity: 'warning', doc: 'a PHY access was begun while one was under way' },
  'command-busy': {
    severity: 'warning',
    doc: 'a command was begun, or its result taken, before the last one was done',
  },
  'nvm-access': { severity: 'warning', doc: 'the NVM was accessed without asking for it, or out of range' },
  'feature-not-negotiated': { severity: 'error', doc: 'something was used that was not negotiated' },
  'negotiation-order': { severity: 'error', doc: 'the steps of initialisation came in the wrong order' },
  'queue-state': { severity: 'error', doc: 'a queue was changed or used in the wrong state' },
  'message-vector': { severity: 'error', doc: 'interrupt vector outside the table' },
  'interrupt-ignored': { severity: 'warning', doc: 'an interrupt stayed asserted and nobody took it' },
  'power-state': { severity: 'error', doc: 'the function was used while not in D0' },
  'buffer-watch': { severity: 'error', doc: 'a buffer was changed while the device owned it' },
  'statistics-overflow': { severity: 'note', doc: 'a statistics register reached its maximum' },
} as const satisfies Record<string, Rule>;

/** A rule of {@link RULES}. */
export type RuleName = keyof typeof RULES;

/** One finding; equal ones are folded and counted. */
export interface Diagnostic {
  /** Which device: its model's name and place, e.g. `82540em 00:03.0`. */
  readonly device: string;
  readonly rule: RuleName;
  readonly severity: Severity;
  /** The register, ring or structure concerned. */
  readonly register: string;
  /** The value that was wrong, if one was. */
  readonly value: number | undefined;
  /** In words. */
  readonly message: string;
  /** Datasheet section. */
  readonly ref: string;
  /** When it first happened. */
  readonly time: Micros;
  /** How often. */
  count: number;
}

/** What a model says; the rest is filled in. */
export interface Finding {
  readonly rule: RuleName;
  readonly register: string;
  readonly message: string;
  readonly ref: string;
  readonly value?: number;
}

/** Events of {@link Diagnostics}. */
export type DiagnosticEvents = { diagnostic: (diagnostic: Diagnostic) => void };

const LIMIT = 1000;

/** Collects findings of a run: folds equal ones (device, rule, register, message), bounded in number. */
export class Diagnostics {
  readonly events: TypedEmitter<DiagnosticEvents> = createEmitter<DiagnosticEvents>();
  #all = new Map<string, Diagnostic>();
  #dropped = 0;

  /** Records a finding of `device` at time `time`; an emitted event for its first occurrence only. */
  report(device: string, time: Micros, finding: Finding): void {
    const key = `${device}|${finding.rule}|${finding.register}|${finding.message}`;
    const known = this.#all.get(key);
    if (known) {
      known.count++;
      return;
    }
    if (this.#all.size >= LIMIT) {
      this.#dropped++;
      return;
    }
    const diagnostic: Diagnostic = {
      device,
      rule: finding.rule,
      severity: RULES[finding.rule].severity,
      register: finding.register,
      value: finding.value,
      message: finding.message,
      ref: finding.ref,
      time,
      count: 1,
    };
    this.#all.set(key, diagnostic);
    this.events.emit('diagnostic', diagnostic);
  }

  /** All findings, in order of first occurrence. */
  list(): readonly Diagnostic[] {
    return [...this.#all.values()];
  }

  /** Findings that are errors or warnings. */
  problems(device?: string): readonly Diagnostic[] {
    return this.list().filter((d) => d.severity !== 'note' && (device === undefined || d.device === device));
  }

  /** Distinct findings not kept because there were more than 1000. */
  get dropped(): number {
    return this.#dropped;
  }

  clear(): void {
    this.#all.clear();
    this.#dropped = 0;
  }
}

/** One line for a terminal: `error 82540em 00:03.0 RDLEN: …, value 0x10 (8254x §13.4.27)`. */
export function diagnosticText(d: Diagnostic): string {
  const value = d.value === undefined ? '' : `, value 0x${(d.value < 0 ? d.value >>> 0 : d.value).toString(16)}`;
  const times = d.count > 1 ? ` × ${d.count}` : '';
  return `${d.severity} ${d.device} ${d.register}: ${d.message}${value} [${d.rule}, ${d.ref}]${times}`;
}
