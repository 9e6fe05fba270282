/** Rings and descriptors of strangers: whatever stands in memory, nothing throws, nothing runs away, no frame is impossible. */
import { describe, expect, test } from 'vitest';
import { type EmulatedFunction, I82540em, VirtioNet } from '../../src/emulators/index.js';
import { Random } from '../../src/platform/random.js';
import { i82540em as c, rtl8168h as k, i82574 as n, virtio as v } from '../../src/registers/index.js';
import { cases } from '../lab/support.js';
import { Rig574 } from './i82574-rig.js';
import { RealtekRig } from './realtek-rig.js';
import { BROADCAST, ethernet, IntelRig, MAC, Rig, tcpFrame } from './rig.js';

const LONGEST = 16_384;
const SCHEDULES = ['fast', 'adversarial', 'timed'] as const;

/** A word that is likely to mean something. */
function word(random: Random, addresses: readonly number[]): number {
  switch (random.below(6)) {
    case 0:
      return addresses[random.below(addresses.length)]! | 0;
    case 1:
      return random.below(4096);
    case 2:
      return [0, -1, 1, 0x8000_0000 | 0, 0xffff, 0xfffff][random.below(6)]!;
    case 3:
      return 1 << random.below(32);
    default:
      return random.u32() | 0;
  }
}

/** Lets time pass and checks that the device comes to rest. */
function rest(machine: Rig<EmulatedFunction>['machine']): void {
  const end = machine.scheduler.now + 20_000;
  let steps = 0;
  while (machine.scheduler.advance(end)) expect(++steps).toBeLessThan(50_000);
}

describe('82540EM', () => {
  test(`${cases(60)} seeds of descriptors`, () => {
    for (let seed = 0; seed < cases(60); seed++) {
      const random = new Random(`descriptors ${seed}`);
      const r = new IntelRig(new I82540em({ mac: Uint8Array.from(MAC) }), {
        schedule: SCHEDULES[seed % 3]!,
        entries: 64,
      }).start(c.RCTL.UPE | c.RCTL.MPE | c.RCTL.LPE);
      const addresses = [r.buffers.address, r.rx.address, r.tx.address, r.buffers.address + 60_000, 0x7000_0000];
      for (let round = 0; round < 30; round++) {
        const view = r.tx.arena.view;
        for (let i = 0; i < 64; i++) {
          for (let w = 0; w < 4; w++) {
            let value = word(random, addresses);
            // Half of the command words are of a form that the chip takes apart further.
            if (w === 2 && random.chance(0.5))
              value = c.TXD_CMD.DEXT | (random.below(2) << 20) | (random.u32() & 0xff0f_ffff) | c.TXD_DATA.RS;
            view.setInt32(r.tx.offset + 16 * i + 4 * w, value, true);
            if (random.chance(0.1)) view.setInt32(r.rx.offset + 16 * i + 4 * w, word(random, addresses), true);
          }
        }
        r.write(c.TCTL, c.TCTL.EN | (random.chance(0.5) ? c.TCTL.PSP : 0));
        r.write(c.TDT, random.below(70));
        r.write(c.RDT, random.below(70));
        if (random.chance(0.1)) r.write(c.CTRL, c.CTRL.SLU | (random.chance(0.5) ? c.CTRL.VME : 0));
        for (let i = 0; i < 5; i++)
          r.inject(ethernet(random.chance(0.5) ? MAC : BROADCAST, 14 + random.below(9000)), random.chance(0.9));
        rest(r.machine);
      }
      for (const frame of r.sent) expect(frame.length).toBeLessThanOrEqual(LONGEST);
    }
  });
});

describe('82574L', () => {
  test(`${cases(60)} seeds of descriptors`, () => {
    for (let seed = 0; seed < cases(60); seed++) {
      const random = new Random(`82574 descriptors ${seed}`);
      const format = (['legacy', 'extended', 'split'] as const)[random.below(3)]!;
      const r = new Rig574({ schedule: SCHEDULES[seed % 3]!, entries: 64, format }).start(
        n.RCTL.UPE | n.RCTL.MPE | n.RCTL.LPE,
      );
      const addresses = [r.data.address, r.rx[0]!.address, r.tx[1]!.address, r.buffers[0]!.address, 0x7000_0000];
      r.fn.enableMsix([() => {}, () => {}, () => {}]);
      for (let round = 0; round < 30; round++) {
        for (const queue of [0, 1]) {
          const tx = r.tx[queue]!;
          const rx = r.rx[queue]!;
          for (let i = 0; i < 64; i++) {
            for (let w = 0; w < 4; w++) {
              let value = word(random, addresses);
              if (w === 2 && random.chance(0.5))
                value = n.TXD_CMD.DEXT | (random.below(2) << 20) | (random.u32() & 0xff0f_ffff) | n.TXD_DATA.RS;
              tx.arena.view.setInt32(tx.offset + 16 * i + 4 * w, value, true);
              if (random.chance(0.1)) rx.arena.view.setInt32(rx.offset + 16 * i + 4 * w, word(random, addresses), true);
            }
          }
        }
        r.write(n.TCTL, n.TCTL.EN | (random.chance(0.5) ? n.TCTL.PSP : 0));
        for (const register of [n.TDT0, n.TDT1, n.RDT0, n.RDT1]) r.write(register, random.below(140));
        for (const register of [n.RCTL, n.PSRCTL, n.RFCTL, n.RXCSUM, n.MRQC, n.CTRL_EXT, n.IVAR, n.IMS, n.EIAC])
          if (random.chance(0.1)) r.write(register, random.u32() | 0);
        r.write(n.RCTL, (r.read(n.RCTL) & ~n.RCTL.LBM) | n.RCTL.EN);
        if (random.chance(0.1)) r.write(n.CTRL, n.CTRL.SLU | (random.chance(0.5) ? n.CTRL.VME : 0));
        for (let i = 0; i < 5; i++) {
          const frame = random.chance(0.5) ? tcpFrame(random.below(9000)) : ethernet(MAC, 14 + random.below(9000));
          for (let k = random.below(4); k > 0; k--) frame[12 + random.below(frame.length - 12)] = random.below(256);
          r.inject(frame, random.chance(0.9));
        }
        rest(r.machine);
      }
      for (const frame of r.sent) expect(frame.length).toBeLessThanOrEqual(LONGEST);
    }
  });
});

describe.each(['rtl8168h', 'rtl8125b'] as const)('%s', (name) => {
  test(`${cases(60)} seeds of descriptors`, () => {
    let sent = 0;
    for (let seed = 0; seed < cases(60); seed++) {
      const random = new Random(`${name} descriptors ${seed}`);
      const r = new RealtekRig(name, { schedule: SCHEDULES[seed % 3]!, entries: 64 }).start(
        k.RCR.AAP | k.RCR.AER | k.RCR.AR,
      );
      const addresses = [r.data.address, r.rx.address, r.tx.address, r.buffers.address, 0x7000_0000];
      r.fn.enableMsix([() => {}]);
      for (let round = 0; round < 30; round++) {
        for (let i = 0; i < 64; i++) {
          for (const [region, chance] of [
            [r.tx, 1],
            [r.rx, 0.1],
          ] as const)
            for (let w = 0; w < 4; w++) {
              if (!random.chance(chance)) continue;
              let value = word(random, addresses);
              // Most descriptors are the chip's, of a frame of their own, in memory that is there.
              if (w === 0 && random.chance(0.9))
                value = k.TXD_OPTS1.OWN | (random.u32() & 0x0e00_0fff) | k.TXD_OPTS1.FS | k.TXD_OPTS1.LS;
              if (w === 1 && random.chance(0.5)) value = 0;
              if (w === 2 && random.chance(0.5)) value = r.data.address + 16 * random.below(1000);
              if (w === 3 && random.chance(0.8)) value = 0;
              region.arena.view.setInt32(region.offset + k.DESCRIPTOR_BYTES * i + 4 * w, value, true);
            }
        }
        // Sometimes a ring has no end.
        if (random.chance(0.8)) {
          const last = r.tx.offset + k.DESCRIPTOR_BYTES * 63;
          r.tx.arena.view.setInt32(last, r.tx.arena.view.getInt32(last, true) | k.TXD_OPTS1.EOR, true);
        }
        if (random.chance(0.2)) {
          r.write(k.CR, k.CR.RST);
          r.wait(100);
          r.write(k.TNPDS_LO, (r.tx.address + k.DESCRIPTOR_BYTES * 16 * random.below(4)) | 0);
          r.write(k.RDSAR_LO, r.rx.address | 0);
        }
        // What a fault has stopped goes on.
        if (random.chance(0.5)) r.write(k.CR, 0);
        r.write(k.CR, k.CR.TE | k.CR.RE);
        for (const register of [k.CPCR, k.RMS, k.TIMERINT0, k.MTPS, r.chip.IMR, r.chip.TXCFG, r.chip.RCR])
          if (random.chance(0.1)) r.write(register, random.u32() | 0);
        if (random.chance(0.5)) r.clear(r.chip.TXCFG, k.TXCFG.LBK);
        r.doorbell(10);
        for (let i = 0; i < 5; i++) {
          const frame = random.chance(0.5) ? tcpFrame(random.below(9000)) : ethernet(MAC, 14 + random.below(9000));
          for (let n = random.below(4); n > 0; n--) frame[12 + random.below(frame.length - 12)] = random.below(256);
          r.inject(frame, random.chance(0.9));
        }
        rest(r.machine);
      }
      sent += r.sent.length;
      for (const frame of r.sent) expect(frame.length).toBeLessThanOrEqual(LONGEST);
    }
    expect(sent).toBeGreaterThan(1000);
  });
});

describe('virtio-net', () => {
  test(`${cases(60)} seeds of queues`, () => {
    for (let seed = 0; seed < cases(60); seed++) {
      const random = new Random(`queues ${seed}`);
      const r = new Rig(new VirtioNet({ mac: Uint8Array.from(MAC) }), { schedule: SCHEDULES[seed % 3]! });
      const io = r.fn.mapBar(4);
      const memory = r.fn.dma.alloc(65_536, 4096);
      const { view } = memory.arena;
      const addresses = [0, 1024, 4096, 40_000, 65_500].map((offset) => memory.address + offset);
      for (let round = 0; round < 20; round++) {
        io.write8(v.DEVICE_STATUS.at, 0);
        io.write8(v.DEVICE_STATUS.at, 3);
        for (const select of [0, 1]) {
          io.write32(v.DEVICE_FEATURE_SELECT.at, select);
          io.write32(v.DRIVER_FEATURE_SELECT.at, select);
          io.write32(
            v.DRIVER_FEATURE.at,
            io.read32(v.DEVICE_FEATURE.at) & (random.chance(0.5) ? -1 : random.u32() | 1),
          );
        }
        io.write8(v.DEVICE_STATUS.at, 11);
        for (let queue = 0; queue < 3; queue++) {
          io.write16(v.QUEUE_SELECT.at, queue);
          io.write16(v.QUEUE_SIZE.at, 16);
          for (const [i, reg] of [v.QUEUE_DESC_LOW, v.QUEUE_DRIVER_LOW, v.QUEUE_DEVICE_LOW].entries())
            io.write32(
              reg.at,
              random.chance(0.95) ? memory.address + 8192 * queue + 2048 * i : word(random, addresses),
            );
          io.write16(v.QUEUE_ENABLE.at, 1);
        }
        io.write8(v.DEVICE_STATUS.at, 15);
        for (let burst = 0; burst < 8; burst++) {
          for (let queue = 0; queue < 3; queue++) {
            const base = memory.offset + 8192 * queue;
            for (let i = 0; i < 16; i++) {
              view.setInt32(base + 16 * i, word(random, addresses), true);
              view.setInt32(base + 16 * i + 4, random.chance(0.95) ? 0 : word(random, addresses), true);
              view.setInt32(base + 16 * i + 8, word(random, addresses), true);
              view.setInt32(base + 16 * i + 12, random.below(8) | (random.below(20) << 16), true);
              view.setUint16(base + 2048 + 4 + 2 * i, random.below(18), true);
            }
            view.setUint16(base + 2048 + 2, view.getUint16(base + 2048 + 2, true) + random.below(18), true);
            io.write16(0x3000 + 4 * queue, queue);
          }
          for (let i = 0; i < 4; i++) r.inject(ethernet(random.chance(0.5) ? MAC : BROADCAST, 14 + random.below(3000)));
          rest(r.machine);
        }
      }
      for (const frame of r.sent) expect(frame.length).toBeLessThanOrEqual(65_550);
    }
  });
});
