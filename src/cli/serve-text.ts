/** What `nicforge serve` prints: the arguments for QEMU, and at the end what happened. */
import type { FrameCounts } from '../lab/index.js';
import { type Diagnostic, type Diagnostics, diagnosticText, type Severity } from '../platform/diagnostics.js';

/** Longest answer that QEMU waits for, in milliseconds: a debugger or a suspended laptop must not cost the device. */
const TIMEOUT = 600_000;

/** How the arguments are written. */
export interface QemuChoices {
  /** Put each NIC behind a PCIe root port of its own; otherwise it sits on the machine's first bus. */
  readonly rootPorts: boolean;
}

/**
 * The arguments that put the devices at `sockets` into QEMU, one option and its value per entry, quoted for a shell. The
 * memory must be a shared memfd, and `-device` must be JSON: the other form does not know `socket`.
 */
export function qemuArguments(sockets: readonly string[], choices: QemuChoices): string[] {
  return [
    '-machine q35,memory-backend=nicforge-ram -m 512M',
    '-object memory-backend-memfd,id=nicforge-ram,size=512M,share=on',
    ...sockets.flatMap((path, i) => {
      const port = choices.rootPorts ? { bus: `nicforge-port${i}` } : {};
      const device = {
        driver: 'vfio-user-pci',
        id: `nicforge${i}`,
        ...port,
        'x-msg-timeout': TIMEOUT,
        socket: { type: 'unix', path },
      };
      return [
        ...(choices.rootPorts ? [`-device pcie-root-port,id=nicforge-port${i},chassis=${i + 1}`] : []),
        `-device ${shellQuoted(JSON.stringify(device))}`,
      ];
    }),
  ];
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** One NIC's frames: `sent 7, came 9: 8 delivered, 1 filtered`. */
export function framesText(frames: FrameCounts): string {
  const fates = Object.entries(frames.came).filter(([, count]) => count > 0);
  const all = fates.reduce((sum, [, count]) => sum + count, 0);
  const list = fates.map(([fate, count]) => `${count} ${fate}`).join(', ');
  return `sent ${frames.sent}, came ${all}${list === '' ? '' : `: ${list}`}`;
}

/** What was found in the run, with counts: mistakes of the guest, worst first, then notes. */
export function findingsText(diagnostics: Diagnostics): string[] {
  const of = (severity: Severity): Diagnostic[] => diagnostics.list().filter((d) => d.severity === severity);
  const problems = [...of('error'), ...of('warning')];
  const lines = problems.map((d) => `! ${diagnosticText(d)}`);
  if (lines.length === 0) lines.push('the guest made no mistake that the models know');
  if (diagnostics.dropped > 0) lines.push(`! ${diagnostics.dropped} more findings were not kept`);
  return [...lines, ...of('note').map(diagnosticText)];
}

/** A finding as one line of `--json-log`. */
export function findingJson(d: Diagnostic): string {
  const { time, device, rule, severity, register, value, message, ref } = d;
  return JSON.stringify({ time, device, severity, rule, register, value: value ?? null, message, ref });
}

/** `52:54:00:12:34:56`. */
export function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
