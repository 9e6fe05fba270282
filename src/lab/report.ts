/** What a run of the lab found, as data. */
import type { Micros } from '../platform/clock.js';
import { type Diagnostic, diagnosticText } from '../platform/diagnostics.js';

/** One NIC's row of the report. */
export interface DeviceReport {
  /** Place, e.g. `00:03.0`. */
  readonly address: string;
  /** Vendor and device, e.g. `8086` and `100e`. */
  readonly vendor: string;
  readonly device: string;
  /** Name as on command lines, e.g. `82540em`. */
  readonly nic: string;
  readonly driver: string;
  /** e.g. `1000 Mbit/s full duplex`, or `down`. */
  readonly link: string;
  /** e.g. `10.0.2.15/24`, or empty. */
  readonly ipv4: string;
  /** Payload bytes downloaded. */
  readonly bytes: number;
  readonly sha256Ok: boolean;
  /** Payload bytes sent up, where the run does that. */
  readonly uploaded: number;
  readonly uploadOk: boolean;
  /** Payload, both ways, per second of wall time. */
  readonly mbitPerSecond: number;
  /** Time on the run's clock from the driver's probe to the last byte. */
  readonly virtualSeconds: number;
  /** Frames received and sent by the stack. */
  readonly frames: number;
  /** Errors and warnings of the device, as text. */
  readonly diagnostics: readonly string[];
  readonly interrupts: string;
  /** Milliseconds on the run's clock. */
  readonly times: {
    readonly probe: number;
    readonly link: number;
    readonly lease: number;
    readonly dns: number;
    readonly connect: number;
    readonly transfer: number;
  };
  /** Why it failed; absent when all went well. */
  readonly error?: string;
}

/** The report of a run. */
export interface LabReport {
  readonly ok: boolean;
  readonly devices: readonly DeviceReport[];
  /** Errors and warnings that belong to no NIC. */
  readonly diagnostics: readonly string[];
  /** Longest turn of the network loop in milliseconds of real time. */
  readonly longestTurnMs: number;
}

/** Milliseconds with three digits. */
export function milliseconds(time: Micros): number {
  return Math.round(time) / 1000;
}

/** Findings as text. */
export function texts(list: readonly Diagnostic[]): string[] {
  return list.map(diagnosticText);
}
