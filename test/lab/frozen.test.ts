/**
 * A device that freezes (or is pulled) at any register access of bring-up or of traffic: every call into the driver comes
 * back within its budget of accesses, and the run ends with one clear error instead of hanging.
 */
import { expect, test } from 'vitest';
import { NICS } from '../../src/lab/index.js';
import type { PciHost } from '../../src/pci/index.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { cases, run } from './support.js';

/** How a frozen device reads. */
const KINDS = ['stuck', 'zeros', 'ones'] as const;
type Kind = (typeof KINDS)[number];

/** Most register accesses of one call into the guest's code: the slowest is an EEPROM word clocked out bit by bit. */
const BUDGET = 2_000;

interface Freezer {
  accesses: number;
  inCall: number;
  longest: number;
  readonly at: number;
  readonly kind: Kind;
}

/** A mapping that stops answering after `freezer.at` accesses. */
function freezing(io: Mmio, freezer: Freezer): Mmio {
  const last = new Map<number, number>();
  const frozen = (): boolean => {
    freezer.inCall++;
    freezer.longest = Math.max(freezer.longest, freezer.inCall);
    return freezer.accesses++ >= freezer.at;
  };
  const read = (at: number, width: number, live: () => number): number => {
    if (!frozen()) {
      const value = live();
      last.set(at, value);
      return value;
    }
    if (freezer.kind === 'ones') return width === 32 ? -1 : 2 ** width - 1;
    return freezer.kind === 'zeros' ? 0 : (last.get(at) ?? 0);
  };
  return {
    bytes: io.bytes,
    read8: (at) => read(at, 8, () => io.read8(at)),
    read16: (at) => read(at, 16, () => io.read16(at)),
    read32: (at) => read(at, 32, () => io.read32(at)),
    write8: (at, value) => void (frozen() || io.write8(at, value)),
    write16: (at, value) => void (frozen() || io.write16(at, value)),
    write32: (at, value) => void (frozen() || io.write32(at, value)),
  };
}

async function frozenRun(
  nic: string,
  at: number,
  kind: Kind,
): Promise<{ freezer: Freezer; failed: string | undefined; ok: boolean; steps: number }> {
  const freezer: Freezer = { accesses: 0, inCall: 0, longest: 0, at, kind };
  let failed: string | undefined;
  let steps = 0;
  const { report } = await run({
    nics: [nic],
    bytes: 40_000,
    with: (setup) => ({
      ...setup,
      host: hostWith(setup.host, (io) => freezing(io, freezer)),
      drive: async (scheduler, done) => {
        while (!done()) {
          freezer.inCall = 0;
          if (++steps > 2_000_000) throw new Error(`still running at ${scheduler.now} us`);
          if (!scheduler.advance()) return;
        }
      },
      onProbed: (records) => {
        const reasons = records.flatMap((record) =>
          // A chip that tells who it is by a register may be taken for another one, which is declined.
          record.steps.filter((step) => step.outcome !== 'bound').map((step) => step.reason),
        );
        failed = reasons[0];
      },
    }),
  });
  return { freezer, failed: failed ?? report.devices[0]?.error, ok: report.ok, steps };
}

/** The host with its mappings wrapped. */
function hostWith(host: PciHost, wrap: (io: Mmio) => Mmio): PciHost {
  return {
    config: host.config,
    resources: host.resources,
    lastBus: host.lastBus,
    interrupts: host.interrupts,
    scheduler: host.scheduler,
    map: (address, bytes, kind) => wrap(host.map(address, bytes, kind)),
    dma: (address) => host.dma(address),
  };
}

test.each(NICS.map((nic) => nic.name))('%s, frozen at any access', { timeout: 600_000 }, async (nic) => {
  const whole = await frozenRun(nic, Number.POSITIVE_INFINITY, 'stuck');
  expect(whole.ok).toBe(true);
  const total = whole.freezer.accesses;
  expect(total).toBeGreaterThan(50);
  // Every access of bring-up would be the thorough choice; a sample of it runs each time, all of it in the soak.
  const step = Math.max(1, Math.floor(total / cases(60)));
  const seen = new Set<string>();
  for (const kind of KINDS) {
    for (let at = 0; at < total; at += step) {
      const result = await frozenRun(nic, at, kind);
      const told = `${nic} ${kind} at access ${at} of ${total}: ${result.failed}`;
      expect(result.freezer.longest, told).toBeLessThan(BUDGET);
      // It may have been done with the device before the freeze showed; otherwise there is a reason in words.
      if (!result.ok) expect(result.failed ?? '', told).toMatch(/\S{4,}/);
      if (result.failed) seen.add(result.failed.replace(/0x[0-9a-f]+|\d+/g, '#'));
    }
  }
  expect(seen.size).toBeGreaterThan(2);
});
