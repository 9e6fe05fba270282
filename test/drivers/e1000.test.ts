import { describe, expect, it } from 'vitest';
import { type E1000Nic, e1000 } from '../../src/drivers/index.js';
import { hashOf } from '../../src/drivers/intel/hw.js';
import { resolvePause } from '../../src/drivers/intel/phy.js';
import { I82540em } from '../../src/emulators/index.js';
import { score } from '../../src/pci/index.js';
import * as chip from '../../src/registers/i82540em/index.js';
import { ADVERTISE } from '../../src/registers/mii.js';
import { endsOnce, hangsAndGoesOn, survivesAnyRing, tagsBothWays } from './alike.js';
import { Bench, FAR, plain } from './bench.js';

describe('bring-up', () => {
  it('resets through the I/O BAR, reads the EEPROM by EERD, and settles PAUSE', () => {
    const bench = new Bench(e1000, new I82540em());
    const ports: number[] = [];
    const resets: number[] = [];
    bench.meddler = {
      write: (at, value, kind) => {
        if (kind === 'io') ports.push(value);
        else if (at === chip.CTRL.at && (value & chip.CTRL.RST) !== 0) resets.push(value);
        return false;
      },
    };
    bench.open();
    expect(ports.length).toBe(2);
    expect(ports[0]).toBe(chip.CTRL.at);
    expect(ports[1]! & chip.CTRL.RST).not.toBe(0);
    expect(resets).toEqual([]);
    expect((bench.nic as E1000Nic).nvmMethod).toBe('eerd');
    expect(bench.nic.link).toEqual({ up: true, speed: 1000, fullDuplex: true });
    bench.wait(10_000);
    expect(bench.fn.mapBar(0).read32(chip.CTRL.at) & (chip.CTRL.RFCE | chip.CTRL.TFCE)).toBe(
      chip.CTRL.RFCE | chip.CTRL.TFCE,
    );
    expect(bench.problems()).toEqual([]);
  });

  it('resets through memory where there is no I/O space', () => {
    const bench = new Bench(e1000, new I82540em(), 'fast', false);
    let resets = 0;
    bench.meddler = {
      write: (at, value, kind) => {
        expect(kind).not.toBe('io');
        if (at === chip.CTRL.at && (value & chip.CTRL.RST) !== 0) resets++;
        return false;
      },
    };
    bench.open();
    expect(resets).toBe(1);
  });

  it('falls back to the Microwire pins when EERD does not answer', () => {
    const bench = new Bench(e1000, new I82540em());
    const mac = [...bench.open().nic.mac];
    const other = new Bench(e1000, new I82540em());
    other.meddler = { read: (at, value) => (at === chip.EERD.at ? value & ~chip.EERD.DONE : undefined) };
    other.open();
    expect((other.nic as E1000Nic).nvmMethod).toBe('microwire');
    expect([...other.nic.mac]).toEqual(mac);
    expect(other.problems()).toEqual([]);
  });

  it('fails with the sum found when the EEPROM is damaged', () => {
    const bench = new Bench(e1000, new I82540em());
    bench.meddler = { read: (at, value) => (at === chip.EERD.at ? value ^ 0x0001_0000 : undefined) };
    const outcome = bench.probe();
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'bad-nvm' } });
    expect(String(outcome.kind === 'failed' && outcome.error.message)).toMatch(
      /do not sum up to 0xbaba, last value 0x/,
    );
    expect(bench.fn.read16(4) & 4).toBe(0);
  });

  it('names register and section when the PHY is dead', () => {
    const bench = new Bench(e1000, new I82540em());
    bench.meddler = { read: (at, value) => (at === chip.MDIC.at ? value & ~chip.MDIC.R : undefined) };
    const outcome = bench.probe();
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'timeout', place: { register: 'MDIC', ref: '8254x §13.4.7, 82574 §10.2.2' } },
    });
  });

  it('declines the rest of its family by name', () => {
    const bench = new Bench(e1000, new I82540em());
    for (const id of e1000.ids.filter((row) => row.quirks.includes('known-not-driven'))) {
      const outcome = bench.run(e1000.probe(bench.fn, id, {}));
      expect(outcome).toEqual({ kind: 'declined', reason: 'this chip of the family is known, not driven' });
    }
    expect(e1000.ids.filter((id) => score(id, bench.fn) > 0).map((id) => id.name)).toEqual(['82540em']);
    expect(new Set(e1000.ids.map((id) => id.device)).size).toBe(e1000.ids.length);
  });

  it('uses MSI when asked', () => {
    const bench = new Bench(e1000, new I82540em()).open({ interrupts: ['msi'] });
    let ready = 0;
    bench.nic.onReady = () => ready++;
    bench.inject(plain(bench.nic.mac, 100));
    bench.wait(1000);
    expect(ready).toBe(1);
    expect(bench.next()).toBeDefined();
  });
});

describe('traffic', () => {
  it('strips and inserts 802.1Q tags', () => {
    tagsBothWays(new Bench(e1000, new I82540em()).open());
  });

  it('adds up counters that clear when they are read', () => {
    const bench = new Bench(e1000, new I82540em()).open();
    for (let i = 0; i < 5; i++) {
      bench.inject(plain(bench.nic.mac, 100));
      expect(bench.next()).toBeDefined();
      bench.send(plain(FAR, 100));
    }
    bench.inject(plain(bench.nic.mac, 100), false);
    bench.wait(1000);
    expect(bench.nic.receive(bench.now, bench.frame)).toBe(false);
    expect(bench.nic.statistics()).toMatchObject({
      'chip.GPRC': 5,
      'chip.GPTC': 5,
      'chip.CRCERRS': 1,
      rxPackets: 5,
      txPackets: 5,
    });
    expect(bench.nic.statistics()).toMatchObject({ 'chip.GPRC': 5, 'chip.GOTCL': 520 });
  });

  it('resets a transmitter that hangs, counts what was lost, and goes on', () => {
    hangsAndGoesOn(new Bench(e1000, new I82540em()).open(), chip.TDT);
  });

  it('ends with one event when the device is pulled', () => {
    for (const mode of ['polled', 'intx'] as const) {
      const bench = new Bench(e1000, new I82540em()).open({ interrupts: [mode] });
      // PAUSE is settled in the background after link up; let that end.
      bench.wait(50_000);
      expect(endsOnce(bench)).toBe('82540em: STATUS reads all ones: the device is gone, last value 0xffffffff');
    }
  });

  it('notices that the cable was pulled and plugged', () => {
    const bench = new Bench(e1000, new I82540em()).open({ interrupts: ['intx'] });
    const states: boolean[] = [];
    bench.nic.events.on('link', (link) => states.push(link.up));
    bench.cable.pull();
    bench.until(() => !bench.nic.linkUp, 'link down');
    // Looked at several times meanwhile: still one change.
    const since = bench.now;
    bench.until(() => bench.now - since > 1_000_000, 'a second');
    bench.cable.plug();
    bench.until(() => bench.nic.linkUp, 'link up');
    expect(states).toEqual([false, true]);
    expect(bench.nic.statistics()['linkChanges']).toBe(3);
  });

  it('survives any content of the receive ring', () => {
    survivesAnyRing(new Bench(e1000, new I82540em()), chip.RDBAL, (at) => at === chip.RCTL.at, 65_534);
  });
});

describe('tables', () => {
  it('hashes multicast addresses as the chip does', () => {
    // 8254x §13.5.1: for 12:34:56:78:9a:bc and MO = 0, bits 47:36 are 0xbc9.
    expect(hashOf(Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc))).toBe(0xbc9);
  });

  it('resolves PAUSE as 802.3 table 28B-3 says', () => {
    const { PAUSE, ASM_DIR } = ADVERTISE;
    const text = (ours: number, theirs: number): string => {
      const { receive, send } = resolvePause(ours, theirs);
      return `${receive ? 'R' : '-'}${send ? 'T' : '-'}`;
    };
    const offers = [0, ASM_DIR, PAUSE, PAUSE | ASM_DIR];
    expect(offers.map((ours) => offers.map((theirs) => text(ours, theirs)).join(' '))).toEqual([
      '-- -- -- --',
      '-- -- -- -T',
      '-- -- RT RT',
      '-- R- RT RT',
    ]);
  });
});
