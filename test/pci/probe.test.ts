import { describe, expect, it } from 'vitest';
import {
  bound,
  type DriverId,
  declined,
  describeFunction,
  enumerate,
  explainProbe,
  failed,
  type PciFunction,
  ProbeChain,
  type ProbeDriver,
  type ProbeOutcome,
  SCORE,
  score,
} from '../../src/pci/index.js';
import type { Task } from '../../src/platform/task.js';
import * as pci from '../../src/registers/pci.js';
import { FakeConfig, FakeHost, fakeNic, slot } from './fake-host.js';

const id = (more: Partial<DriverId>): DriverId => ({ name: 'chip', quirks: [], ...more });

function driver(
  name: string,
  row: Partial<DriverId>,
  answer: () => ProbeOutcome<string>,
): ProbeDriver<string, undefined> {
  return {
    name,
    ids: [id(row)],
    // biome-ignore lint/correctness/useYield: it decides without waiting
    *probe(): Task<ProbeOutcome<string>> {
      return answer();
    },
  };
}

function setUp(): { host: FakeHost; fn: PciFunction; chain: ProbeChain<string, undefined>; closed: string[] } {
  const config = new FakeConfig();
  const nic = fakeNic();
  nic.view.setUint16(pci.SUBSYSTEM_VENDOR_ID.at, 0x1028, true);
  nic.view.setUint16(pci.SUBSYSTEM_ID.at, 0x0001, true);
  config.root.set(slot(3), nic);
  const host = new FakeHost(config);
  const closed: string[] = [];
  const chain = new ProbeChain<string, undefined>({
    options: undefined,
    // biome-ignore lint/correctness/useYield: nothing to wait for
    *close(value) {
      closed.push(value);
    },
  });
  return { host, fn: enumerate(host).functions[0]!, chain, closed };
}

describe('the probe chain', () => {
  it('scores rows by how much they know', () => {
    const { fn } = setUp();
    expect(score(id({ vendor: 0x8086, device: 0x100e, subsystemVendor: 0x1028, subsystem: 1 }), fn)).toBe(
      SCORE.subsystem,
    );
    expect(score(id({ vendor: 0x8086, device: 0x100e }), fn)).toBe(SCORE.device);
    expect(score(id({ vendor: 0x8086, classCode: 0x020000 }), fn)).toBe(SCORE.vendorClass);
    expect(score(id({ classCode: 0x020000 }), fn)).toBe(SCORE.class);
    expect(score(id({ vendor: 0x8086, device: 0x100f }), fn)).toBe(0);
    expect(score(id({ vendor: 0x8086, device: 0x100e, subsystemVendor: 0x1028, subsystem: 2 }), fn)).toBe(0);
    expect(score(id({ vendor: 0x8086 }), fn)).toBe(0);
    expect(score(id({}), fn)).toBe(0);
  });

  it('asks in order of score, records reasons, and stops at the first that binds', () => {
    const { host, fn, chain } = setUp();
    const bang = (): ProbeOutcome<string> => {
      throw new Error('the EEPROM is empty');
    };
    chain.register(driver('generic', { classCode: 0x020000 }, () => bound('generic nic')));
    chain.register(driver('exact', { vendor: 0x8086, device: 0x100e }, () => declined('known, not driven')));
    chain.register(driver('board', { vendor: 0x8086, device: 0x100e, subsystemVendor: 0x1028, subsystem: 1 }, bang));
    chain.register(driver('other', { vendor: 0x10ec, device: 0x8168 }, () => bound('no')));
    const record = host.run(chain.offer(fn));
    expect(record.steps.map((step) => [step.driver, step.outcome])).toEqual([
      ['board', 'failed'],
      ['exact', 'declined'],
      ['generic', 'bound'],
    ]);
    expect(record).toMatchObject({ driver: 'generic', value: 'generic nic' });
    const text = explainProbe(chain.records, describeFunction);
    expect(text).toContain(
      '00:03.0 Ethernet controller: Intel Corporation 82540EM Gigabit Ethernet Controller: driver generic',
    );
    expect(text).toContain('1. board (chip, score 300) failed: the EEPROM is empty');
    expect(text).toContain('2. exact (chip, score 200) declined: known, not driven');
  });

  it('asks only the newcomer after a late registration', () => {
    const { host, fn, chain } = setUp();
    let asked = 0;
    chain.register(
      driver('first', { vendor: 0x8086, device: 0x100e }, () => {
        asked++;
        return failed(new Error('no link'));
      }),
    );
    host.run(chain.offerAll([fn]));
    chain.register(driver('second', { vendor: 0x8086, device: 0x100e }, () => bound('late')));
    host.run(chain.offerUnbound());
    expect(asked).toBe(1);
    expect(chain.records[0]).toMatchObject({ driver: 'second', value: 'late' });
    expect(() => chain.register(driver('second', {}, () => bound('')))).toThrow(/already registered/);
  });

  it('releases, rebinds to a named driver, and never offers a removed function again', () => {
    const { host, fn, chain, closed } = setUp();
    chain.register(driver('a', { vendor: 0x8086, device: 0x100e }, () => bound('A')));
    chain.register(driver('b', { classCode: 0x020000 }, () => bound('B')));
    host.run(chain.offer(fn));
    host.run(chain.offer(fn));
    expect(chain.records[0]!.steps.length).toBe(1);
    host.run(chain.rebind(fn, 'b'));
    expect(closed).toEqual(['A']);
    expect(chain.records[0]).toMatchObject({ driver: 'b' });
    host.run(chain.remove(fn));
    host.run(chain.offer(fn));
    expect(closed).toEqual(['A', 'B']);
    expect(chain.records[0]).toMatchObject({ driver: undefined, removed: true });
  });
});
