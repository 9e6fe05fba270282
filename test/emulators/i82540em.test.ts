/** 82540EM: what the datasheet says, register by register and frame by frame. */
import { describe, expect, test } from 'vitest';
import { I82540em } from '../../src/emulators/index.js';
import { i82540em, mii, pci, pick, put } from '../../src/registers/index.js';
import { BROADCAST, checksum, ethernet, IntelRig, MAC, pseudo, tcpFrame } from './rig.js';

const c = i82540em;
const { RCTL, CTRL, ICR, IMS, IMC, ICS, STATUS } = c;
const rig = (options?: ConstructorParameters<typeof IntelRig>[1]): IntelRig =>
  new IntelRig(new I82540em({ mac: Uint8Array.from(MAC) }), options);
const SEND = c.TXD_CMD.EOP | c.TXD_CMD.IFCS | c.TXD_CMD.RS;

function legacy(r: IntelRig, bytes: Uint8Array, command: number = SEND, status = 0): void {
  r.descriptor([r.place(bytes) | 0, 0, command | bytes.length, status]);
}

describe('EEPROM and PHY', () => {
  test('EERD gives the words, whose sum is BABAh', () => {
    const r = rig();
    expect(r.read(c.EERD)).toBe(0);
    let sum = 0;
    const words: number[] = [];
    for (let i = 0; i < 64; i++) {
      r.write(c.EERD, put(c.EERD.START, c.EERD.ADDR, i));
      const value = r.read(c.EERD);
      expect(value & c.EERD.DONE).not.toBe(0);
      words.push(pick(value, c.EERD.DATA));
      sum += words[i]!;
    }
    expect(sum & 0xffff).toBe(0xbaba);
    expect(words.slice(0, 3)).toEqual([0x5452, 0x1200, 0x5634]);
    expect(r.problems()).toEqual([]);
  });

  test('Microwire, bit by bit: reads, and writes only after EWEN', () => {
    const r = rig();
    const { EE_REQ, EE_GNT, CS, SK, DI, DO } = c.EECD;
    r.write(c.EECD, EE_REQ);
    expect(r.read(c.EECD) & EE_GNT).not.toBe(0);
    const clock = (bit: number): number => {
      const pins = EE_REQ | CS | (bit ? DI : 0);
      r.write(c.EECD, pins);
      r.write(c.EECD, pins | SK);
      const out = r.read(c.EECD) & DO ? 1 : 0;
      r.write(c.EECD, pins);
      return out;
    };
    const command = (bits: number, count: number): void => {
      for (let i = count - 1; i >= 0; i--) clock((bits >> i) & 1);
    };
    const idle = (): void => r.write(c.EECD, EE_REQ);
    const read = (word: number): number => {
      command((6 << 6) | word, 9);
      let value = 0;
      for (let i = 0; i < 16; i++) value = (value << 1) | clock(0);
      idle();
      return value;
    };
    const write = (word: number, value: number): void => {
      command((5 << 6) | word, 9);
      command(value, 16);
      idle();
    };
    expect(read(0)).toBe(0x5452);
    expect(read(2)).toBe(0x5634);
    write(0x20, 0x1234);
    expect(read(0x20)).toBe(0x0000);
    command(0b100_110000, 9);
    idle();
    write(0x20, 0x1234);
    expect(read(0x20)).toBe(0x1234);
    expect(r.problems()).toEqual([]);
  });

  test('MDIC reaches the PHY at address 1 only; BMSR latches a lost link', () => {
    const r = rig();
    const mdic = (phy: number, register: number): number => {
      r.write(c.MDIC, put(put(put(0, c.MDIC.PHYADD, phy), c.MDIC.REGADD, register), c.MDIC.OP, 2));
      return r.read(c.MDIC);
    };
    expect(mdic(1, 2) & c.MDIC.DATA).toBe(0x0141);
    expect((mdic(1, 3) & c.MDIC.DATA) >> 4).toBe(0x0c2);
    expect(mdic(3, 2) & c.MDIC.E).not.toBe(0);
    r.write(CTRL, CTRL.SLU);
    r.run();
    mdic(1, 1);
    expect(mdic(1, 1) & mii.BMSR.LSTATUS).not.toBe(0);
    r.cable.pull();
    r.cable.plug();
    r.run();
    expect(mdic(1, 1) & mii.BMSR.LSTATUS).toBe(0);
    expect(mdic(1, 1) & mii.BMSR.LSTATUS).not.toBe(0);
    expect(pick(r.read(STATUS), STATUS.SPEED)).toBe(2);
  });
});

describe('reset', () => {
  test.each(['memory', 'io'] as const)(
    'CTRL.RST through the %s BAR: registers as new, address from the EEPROM',
    (kind) => {
      const r = rig().start();
      r.write(c.RAL, 0);
      r.write(c.MTA, -1, 5);
      r.write(IMS, IMS.LSC);
      if (kind === 'memory') r.write(CTRL, CTRL.RST);
      else {
        const io = r.fn.mapBar(2);
        io.write32(c.IOADDR.at, CTRL.at);
        io.write32(c.IODATA.at, CTRL.RST);
      }
      expect(r.read(RCTL)).toBe(0);
      expect(r.read(c.TDLEN)).toBe(0);
      expect(r.read(IMS)).toBe(0);
      expect(r.read(c.MTA, 5)).toBe(0);
      expect(r.read(c.RAL)).toBe(0x12005452);
      expect(r.read(c.RAH) >>> 0).toBe(0x80005634);
      expect(r.fn.read16(pci.COMMAND.at) & pci.COMMAND.MASTER).not.toBe(0);
    },
  );
});

describe('receive', () => {
  test('own address, broadcast, and nothing else', () => {
    const r = rig().start();
    expect(r.inject(ethernet(MAC))).toBe('delivered');
    expect(r.inject(ethernet(BROADCAST))).toBe('delivered');
    expect(r.inject(ethernet([2, 0, 0, 0, 0, 7]))).toBe('filtered');
    expect(r.inject(ethernet([1, 0, 0x5e, 0, 0, 1]))).toBe('filtered');
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
    r.write(RCTL, r.read(RCTL) | RCTL.UPE | RCTL.MPE);
    expect(r.inject(ethernet([2, 0, 0, 0, 0, 7]))).toBe('delivered');
    expect(r.inject(ethernet([1, 0, 0x5e, 0, 0, 1]))).toBe('delivered');
  });

  test.each([
    [0, 4],
    [1, 3],
    [2, 2],
    [3, 0],
  ])('multicast hash with MO %i', (mo, shift) => {
    const address = [0x01, 0x00, 0x5e, 0x12, 0xa5, 0x3c];
    const hash = ((0xa5 | (0x3c << 8)) >> shift) & 0xfff;
    const r = rig().start(put(RCTL.SECRC, RCTL.MO, mo));
    expect(r.inject(ethernet(address))).toBe('filtered');
    r.write(c.MTA, 1 << (hash & 31), hash >> 5);
    expect(r.inject(ethernet(address))).toBe('delivered');
    expect(r.received()!.status & c.RXD_STATUS.PIF).not.toBe(0);
  });

  test('the length includes the FCS, which is right, unless SECRC', () => {
    const r = rig().start(RCTL.BAM);
    r.inject(ethernet(MAC, 64));
    const { bytes } = r.received()!;
    expect(bytes).toHaveLength(68);
    // The residue of a frame with its FCS (802.3 §3.2.9).
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    expect(~crc >>> 0).toBe(0x2144df1c);
  });

  test('a packet over several buffers; only the last has EOP', () => {
    const r = rig().start(put(RCTL.SECRC | RCTL.LPE, RCTL.BSIZE, 2));
    const frame = ethernet(MAC, 1300);
    expect(r.inject(frame)).toBe('delivered');
    const parts = [r.received()!, r.received()!, r.received()!];
    expect(parts.map((part) => part.bytes.length)).toEqual([512, 512, 276]);
    expect(parts.map((part) => (part.status & c.RXD_STATUS.EOP) !== 0)).toEqual([false, false, true]);
    expect(Uint8Array.from(parts.flatMap((part) => [...part.bytes]))).toEqual(frame);
  });

  test('runts, oversized and damaged frames are dropped and counted', () => {
    const r = rig().start();
    expect(r.inject(ethernet(MAC, 40))).toBe('too-short');
    expect(r.inject(ethernet(MAC, 1515))).toBe('too-long');
    expect(r.inject(ethernet(MAC, 60), false)).toBe('bad-fcs');
    expect([c.RUC, c.ROC, c.CRCERRS, c.GPRC, c.TPR].map((reg) => r.read(reg))).toEqual([1, 1, 1, 0, 3]);
    expect(r.read(c.CRCERRS)).toBe(0);
    r.write(RCTL, r.read(RCTL) | RCTL.SBP);
    expect(r.inject(ethernet(MAC, 60), false)).toBe('delivered');
    expect(r.received()!.status & c.RXD_STATUS.CE).not.toBe(0);
  });

  test('checksums: looked at when asked, right and wrong', () => {
    const r = rig().start();
    const { IXSM, IPCS, TCPCS, IPE, TCPE } = c.RXD_STATUS;
    r.inject(tcpFrame(100));
    expect(r.received()!.status & IXSM).not.toBe(0);
    r.write(c.RXCSUM, c.RXCSUM.IPOFL | c.RXCSUM.TUOFL);
    r.inject(tcpFrame(101));
    expect(r.received()!.status & (IXSM | IPCS | TCPCS | IPE | TCPE)).toBe(IPCS | TCPCS);
    const broken = tcpFrame(100);
    broken[80]! ^= 1;
    r.inject(broken);
    expect(r.received()!.status & (IXSM | IPE | TCPE)).toBe(TCPE);
    const header = tcpFrame(100);
    header[22]! ^= 1;
    r.inject(header);
    expect(r.received()!.status & (IPE | TCPE)).toBe(IPE);
  });

  test('tags are stripped into the descriptor and filtered by VFTA', () => {
    const r = rig().start();
    r.write(CTRL, r.read(CTRL) | CTRL.VME);
    const tagged = ethernet(MAC, 64, 0x8100);
    tagged.set([0x60, 0x07, 0x88, 0xb5], 14);
    r.inject(tagged);
    const first = r.received()!;
    expect(first.bytes).toHaveLength(60);
    expect([...first.bytes.subarray(0, 14)]).toEqual([...MAC, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
    expect(first.status & c.RXD_STATUS.VP).not.toBe(0);
    expect(pick(first.status, c.RXD_STATUS.SPECIAL)).toBe(0x6007);
    r.write(RCTL, r.read(RCTL) | RCTL.VFE);
    expect(r.inject(tagged)).toBe('vlan-filtered');
    r.write(c.VFTA, 1 << 7, 0);
    expect(r.inject(tagged)).toBe('delivered');
  });

  test('frames without a descriptor wait in the FIFO; when it is full they are missed', () => {
    const r = rig().start();
    for (let i = 0; i < 7; i++) expect(r.inject(ethernet(MAC, 1000))).toBe('delivered');
    expect(r.inject(ethernet(MAC, 1001))).toBe('queued');
    for (let i = 0; i < 60; i++) r.inject(ethernet(MAC, 1000));
    expect(r.fates.at(-1)).toBe('fifo-full');
    expect(r.read(c.MPC)).toBeGreaterThan(0);
    expect(r.read(ICR) & ICR.RXO).not.toBe(0);
    for (let i = 0; i < 7; i++) r.received();
    r.write(c.RDT, 6);
    r.run(50);
    expect(r.received()!.bytes).toHaveLength(1001);
  });
});

describe('transmit', () => {
  test('short packets are padded, TDH advances, DD is written when asked', () => {
    const r = rig().start();
    legacy(r, ethernet(BROADCAST, 42));
    r.doorbell();
    expect(r.sent).toHaveLength(1);
    expect(r.sent[0]).toHaveLength(60);
    expect(r.read(c.TDH)).toBe(1);
    expect(r.tx.arena.view.getInt32(r.tx.offset + 12, true) & c.TXD_STATUS.DD).not.toBe(0);
    expect(r.read(ICR) & (ICR.TXDW | ICR.TXQE)).toBe(ICR.TXDW | ICR.TXQE);
    expect(r.problems()).toEqual([]);
  });

  test('the legacy checksum', () => {
    const r = rig().start();
    const frame = tcpFrame(50);
    frame[50] = frame[51] = 0;
    new DataView(frame.buffer).setUint16(50, ~checksum(frame, 0, 0, pseudo(frame)) & 0xffff);
    legacy(r, frame, put(SEND | c.TXD_CMD.IC, c.TXD_CMD.CSO, 50), put(0, c.TXD_STATUS.CSS, 34));
    r.doorbell();
    expect(r.sent[0]).toEqual(tcpFrame(50));
  });

  const context = (r: IntelRig, mss: number, payload: number): void =>
    r.descriptor([
      put(put(put(0, c.CTX_IP.IPCSS, 14), c.CTX_IP.IPCSO, 24), c.CTX_IP.IPCSE, 33),
      put(put(0, c.CTX_TU.TUCSS, 34), c.CTX_TU.TUCSO, 50),
      put(c.CTX_CMD.DEXT | c.CTX_CMD.TCP | c.CTX_CMD.IP | (mss > 0 ? c.CTX_CMD.TSE : 0), c.CTX_CMD.PAYLEN, payload),
      put(put(0, c.CTX_MSS.HDRLEN, 54), c.CTX_MSS.MSS, mss),
    ]);
  const data = (r: IntelRig, bytes: Uint8Array, extra: number, offset = 0): void =>
    r.descriptor([
      r.place(bytes, offset) | 0,
      0,
      put(c.TXD_DATA.DEXT | c.TXD_DATA.IFCS | c.TXD_DATA.RS | extra, c.TXD_DATA.DTYP, 1) | bytes.length,
      c.TXD_POPTS.IXSM | c.TXD_POPTS.TXSM,
    ]);

  test('checksums by context', () => {
    const r = rig().start();
    const frame = tcpFrame(99);
    const view = new DataView(frame.buffer);
    view.setUint16(24, 0);
    view.setUint16(50, 0);
    view.setUint16(50, ~checksum(frame, 0, 0, pseudo(frame)) & 0xffff);
    context(r, 0, 0);
    data(r, frame, c.TXD_DATA.EOP);
    r.doorbell();
    expect(r.sent[0]).toEqual(tcpFrame(99));
    expect(r.problems()).toEqual([]);
  });

  test('segmentation: every segment is a right packet, and together they carry the bytes', () => {
    const r = rig().start();
    const frame = tcpFrame(2500, 0x19);
    const view = new DataView(frame.buffer);
    view.setUint16(24, 0);
    view.setUint16(50, ~checksum(frame, 0, 0, pseudo(frame, false)) & 0xffff);
    context(r, 1000, 2500);
    // Header and payload in several buffers, cut at odd places.
    data(r, frame.subarray(0, 30), c.TXD_DATA.TSE);
    data(r, frame.subarray(30, 777), c.TXD_DATA.TSE, 4000);
    data(r, frame.subarray(777), c.TXD_DATA.TSE | c.TXD_DATA.EOP, 8000);
    r.doorbell();
    expect(r.sent.map((bytes) => bytes.length)).toEqual([1054, 1054, 554]);
    r.sent.forEach((bytes, i) => {
      const v = new DataView(bytes.buffer);
      expect(checksum(bytes, 14, 34)).toBe(0);
      expect(checksum(bytes, 34, bytes.length, pseudo(bytes))).toBe(0);
      expect(v.getUint16(16)).toBe(bytes.length - 14);
      expect(v.getUint16(18)).toBe(0x1234 + i);
      expect(v.getUint32(38)).toBe(1 + 1000 * i);
      expect(bytes[47]).toBe(i === 2 ? 0x19 : 0x10);
    });
    expect(r.sent.flatMap((bytes) => [...bytes.subarray(54)])).toEqual([...frame.subarray(54)]);
    expect(r.read(c.TSCTC)).toBe(1);
    expect(r.problems()).toEqual([]);
  });

  test('a tag is inserted', () => {
    const r = rig().start();
    r.write(CTRL, r.read(CTRL) | CTRL.VME);
    legacy(r, ethernet(BROADCAST, 60), SEND | c.TXD_CMD.VLE, put(0, c.TXD_STATUS.SPECIAL, 0x2005));
    r.doorbell();
    expect([...r.sent[0]!.subarray(12, 18)]).toEqual([0x81, 0x00, 0x20, 0x05, 0x88, 0xb5]);
    expect(r.sent[0]).toHaveLength(64);
  });

  test('MAC and PHY loopback', () => {
    for (const kind of ['mac', 'phy'] as const) {
      const r = rig().start(RCTL.SECRC | RCTL.UPE | (kind === 'mac' ? put(0, RCTL.LBM, 1) : 0));
      if (kind === 'phy') {
        r.write(
          c.MDIC,
          put(
            put(put(mii.BMCR.LOOPBACK | mii.BMCR.SPEED1000 | mii.BMCR.FULLDPLX, c.MDIC.PHYADD, 1), c.MDIC.REGADD, 0),
            c.MDIC.OP,
            1,
          ),
        );
        r.run();
      }
      legacy(r, ethernet(MAC, 100));
      r.doorbell();
      expect(r.sent).toHaveLength(0);
      expect(r.received()?.bytes).toEqual(ethernet(MAC, 100));
    }
  });
});

describe('interrupts', () => {
  test('causes, mask, ICS; reading ICR clears and lowers the line', () => {
    const r = rig();
    let asserted = 0;
    let handled = 0;
    const detach = r.machine.interrupts.attachPin(r.fn.address, 1, () => {
      handled++;
      asserted = r.read(ICR);
      return true;
    });
    r.write(ICS, ICS.LSC);
    r.run(10);
    expect(handled).toBe(0);
    r.write(IMS, IMS.LSC);
    r.run(10);
    expect([handled, asserted]).toEqual([1, ICR.LSC]);
    r.write(IMC, IMC.LSC);
    r.write(ICS, ICS.LSC);
    r.run(10);
    expect(handled).toBe(1);
    detach();
  });

  test('ITR keeps interrupts apart', () => {
    const r = rig();
    const times: number[] = [];
    r.machine.interrupts.attachPin(r.fn.address, 1, () => {
      times.push(r.machine.scheduler.now);
      r.read(ICR);
      return true;
    });
    r.write(c.ITR, 1000); // 256 us.
    r.write(IMS, IMS.RXT0);
    for (let i = 0; i < 20; i++) {
      r.write(ICS, ICS.RXT0);
      r.run(50);
    }
    expect(times.length).toBeGreaterThan(2);
    for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(256);
  });

  test('RDTR waits for quiet, RADV ends the waiting', () => {
    const r = rig().start();
    r.write(c.RDTR, 100);
    r.write(c.RADV, 250);
    r.read(ICR);
    r.inject(ethernet(MAC));
    r.run(80);
    r.inject(ethernet(MAC));
    r.run(80);
    expect(r.read(ICR) & ICR.RXT0).toBe(0);
    r.inject(ethernet(MAC));
    r.run(97);
    expect(r.read(ICR) & ICR.RXT0).not.toBe(0);
    r.write(c.RADV, 0);
    r.inject(ethernet(MAC));
    r.run(90);
    expect(r.read(ICR) & ICR.RXT0).toBe(0);
    r.run(20);
    expect(r.read(ICR) & ICR.RXT0).not.toBe(0);
  });

  test('MSI is sent on the rising edge', () => {
    const r = rig();
    let messages = 0;
    r.fn.enableMsi(() => messages++);
    r.write(IMS, IMS.LSC);
    r.write(ICS, ICS.LSC);
    r.write(ICS, ICS.LSC);
    r.run(10);
    expect(messages).toBe(1);
    r.read(ICR);
    r.write(ICS, ICS.LSC);
    r.run(10);
    expect(messages).toBe(2);
  });
});

describe('flow control', () => {
  const pause = (quanta: number): Uint8Array => {
    const bytes = ethernet([0x01, 0x80, 0xc2, 0, 0, 1], 60, 0x8808);
    bytes.set([0, 1, quanta >> 8, quanta & 0xff], 14);
    return bytes;
  };

  test('PAUSE holds the transmitter for its time, XON lets it go', () => {
    const r = rig().start();
    r.write(CTRL, r.read(CTRL) | CTRL.RFCE);
    expect(r.inject(pause(1000))).toBe('pause-frame');
    legacy(r, ethernet(BROADCAST));
    r.doorbell();
    expect(r.sent).toHaveLength(0);
    expect(r.read(STATUS) & STATUS.TXOFF).not.toBe(0);
    r.run(1000 * 0.512 + 5);
    expect(r.sent).toHaveLength(1);
    r.inject(pause(60_000));
    r.inject(pause(0));
    legacy(r, ethernet(BROADCAST));
    r.doorbell();
    expect(r.sent).toHaveLength(2);
    expect([r.read(c.XOFFRXC), r.read(c.XONRXC)]).toEqual([2, 1]);
  });

  test('a full FIFO sends XOFF, an emptied one XON', () => {
    const r = rig().start();
    for (const [reg, value] of [
      [c.FCRTH, 8000],
      [c.FCRTL, 4000 | c.FCRTL.XONE],
      [c.FCTTV, 0x1234],
    ] as const)
      r.write(reg, value);
    r.write(CTRL, r.read(CTRL) | CTRL.TFCE);
    for (let i = 0; i < 16; i++) r.inject(ethernet(MAC, 1000));
    expect(r.sent).toHaveLength(1);
    expect([...r.sent[0]!.subarray(0, 18)]).toEqual([1, 0x80, 0xc2, 0, 0, 1, ...MAC, 0x88, 0x08, 0, 1, 0x12, 0x34]);
    for (let i = 0; i < 8; i++) r.received();
    r.write(c.RDT, 6);
    r.run(50);
    for (let i = 0; i < 8; i++) r.received();
    r.write(c.RDT, 5);
    r.run(50);
    expect(r.sent).toHaveLength(2);
    expect([...r.sent[1]!.subarray(14, 18)]).toEqual([0, 1, 0, 0]);
    expect([r.read(c.XOFFTXC), r.read(c.XONTXC)]).toEqual([1, 1]);
  });
});

describe('wake-up', () => {
  const asleep = (filters: number): { r: IntelRig; woke: () => number } => {
    const r = rig().start();
    let woke = 0;
    r.machine.onPme = () => woke++;
    r.write(c.WUFC, filters);
    r.write(c.WUC, c.WUC.PME_EN);
    const pm = r.fn.capability(pci.CAP.PM)!.at;
    r.fn.write16(pm + pci.PMCSR.at, pci.PMCSR.PME_EN | 3);
    return { r, woke: () => woke };
  };
  const magic = (): Uint8Array => {
    const bytes = ethernet(BROADCAST, 130);
    bytes.fill(0xff, 20, 26);
    for (let i = 0; i < 16; i++) bytes.set(MAC, 26 + 6 * i);
    return bytes;
  };

  test.each([
    ['magic packet', c.WUFC.MAG, magic(), c.WUS.MAG],
    ['unicast', c.WUFC.EX, ethernet(MAC), c.WUS.EX],
    ['broadcast', c.WUFC.BC, ethernet(BROADCAST), c.WUS.BC],
  ])('%s', (_name, filter, frame, cause) => {
    const { r, woke } = asleep(filter);
    r.inject(ethernet([2, 0, 0, 0, 0, 9]));
    expect(woke()).toBe(0);
    expect(r.inject(frame)).toBe('power-state');
    expect(woke()).toBe(1);
    expect(r.model.regs.get(c.WUS) & cause).toBe(cause);
  });

  test('link change, and D3hot forgets the rest', () => {
    const { r, woke } = asleep(c.WUFC.LNKC);
    r.cable.pull();
    expect(woke()).toBe(1);
    expect(r.io.read32(STATUS.at)).toBe(-1);
    const pm = r.fn.capability(pci.CAP.PM)!.at;
    r.fn.write16(pm + pci.PMCSR.at, 0);
    expect(r.read(RCTL)).toBe(0);
  });

  test('a pattern', () => {
    const { r, woke } = asleep(put(0, c.WUFC.FLX, 2));
    r.model.regs.set(c.FFLT, 16, 1);
    for (const [i, value] of [
      [12, 0x88],
      [13, 0xb5],
    ] as const) {
      r.model.regs.set(c.FFMT, 2, i);
      r.model.regs.set(c.FFVT, value << 8, i);
    }
    r.inject(ethernet(BROADCAST, 60, 0x0800));
    expect(woke()).toBe(0);
    r.inject(ethernet(BROADCAST));
    expect(woke()).toBe(1);
  });
});

describe("a driver's mistakes: each is one diagnostic", () => {
  const mistakes: readonly (readonly [string, string, (r: IntelRig) => void])[] = [
    ['ring length no multiple of 128', 'ring-length', (r) => r.write(c.RDLEN, 16)],
    ['transmitter on without a ring', 'ring-length', (r) => r.write(c.TCTL, c.TCTL.EN)],
    ['receiver on without a ring', 'ring-length', (r) => r.write(RCTL, RCTL.EN)],
    [
      'transmit tail beyond the ring',
      'tail-beyond-ring',
      (r) => {
        r.rings();
        r.write(c.TDT, 8);
      },
    ],
    [
      'receive tail beyond the ring',
      'tail-beyond-ring',
      (r) => {
        r.rings();
        r.write(c.RDT, 100);
      },
    ],
    [
      'ring changed while it runs',
      'ring-while-enabled',
      (r) => {
        r.start();
        r.write(c.TDLEN, 256);
      },
    ],
    [
      'receive ring changed while it runs',
      'ring-while-enabled',
      (r) => {
        r.start();
        r.write(c.RDLEN, 256);
      },
    ],
    [
      'unknown register',
      'unknown-register',
      (r) => {
        r.io.read32(0x0044 + 0x100);
      },
    ],
    [
      'narrow access',
      'access-width',
      (r) => {
        r.io.read16(STATUS.at);
      },
    ],
    [
      'unknown descriptor type',
      'descriptor-type',
      (r) => {
        r.start();
        r.descriptor([0, 0, put(c.TXD_DATA.DEXT, c.TXD_DATA.DTYP, 5), 0]);
        r.doorbell();
      },
    ],
    [
      'empty buffer',
      'descriptor-length',
      (r) => {
        r.start();
        legacy(r, ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP);
        r.descriptor([r.place(new Uint8Array(1)) | 0, 0, SEND, 0]);
        r.doorbell();
      },
    ],
    [
      'packet without end',
      'frame-without-end',
      (r) => {
        r.start();
        legacy(r, ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP);
        r.doorbell();
      },
    ],
    [
      'packet too long',
      'frame-too-long',
      (r) => {
        r.start();
        const part = new Uint8Array(16000);
        r.descriptor([r.place(part) | 0, 0, 16000, 0]);
        r.descriptor([r.place(part) | 0, 0, SEND | 16000, 0]);
        r.doorbell();
      },
    ],
    [
      'short packet without padding',
      'frame-too-short',
      (r) => {
        r.start();
        r.write(c.TCTL, c.TCTL.EN);
        legacy(r, ethernet(BROADCAST, 42));
        r.doorbell();
      },
    ],
    [
      'checksum without context',
      'offload-context',
      (r) => {
        r.start();
        const f = tcpFrame(20);
        r.descriptor([r.place(f) | 0, 0, put(c.TXD_DATA.DEXT | SEND, c.TXD_DATA.DTYP, 1) | f.length, c.TXD_POPTS.TXSM]);
        r.doorbell();
      },
    ],
    [
      'segmentation without context',
      'offload-context',
      (r) => {
        r.start();
        const f = tcpFrame(20);
        r.descriptor([
          r.place(f) | 0,
          0,
          put(c.TXD_DATA.DEXT | c.TXD_DATA.TSE | c.TXD_DATA.EOP, c.TXD_DATA.DTYP, 1) | f.length,
          0,
        ]);
        r.doorbell();
      },
    ],
    [
      'checksum outside the packet',
      'offload-context',
      (r) => {
        r.start();
        legacy(r, ethernet(BROADCAST), put(SEND | c.TXD_CMD.IC, c.TXD_CMD.CSO, 200));
        r.doorbell();
      },
    ],
    [
      'context inside a packet',
      'descriptor-order',
      (r) => {
        r.start();
        legacy(r, ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP);
        r.descriptor([0, 0, c.CTX_CMD.DEXT, 0]);
        r.descriptor([r.place(ethernet(BROADCAST)) | 0, 0, SEND | 60, 0]);
        r.doorbell();
      },
    ],
    [
      'DMA with mastering off',
      'dma-disabled',
      (r) => {
        r.start();
        r.fn.write16(pci.COMMAND.at, pci.COMMAND.MEMORY);
        legacy(r, ethernet(BROADCAST));
        r.doorbell();
      },
    ],
    [
      'DMA outside memory',
      'dma-fault',
      (r) => {
        r.start();
        r.descriptor([0x7000_0000, 0, SEND | 60, 0]);
        r.doorbell();
      },
    ],
    [
      'DMA to memory of nobody',
      'dma-not-allocated',
      (r) => {
        r.start();
        r.descriptor([(r.buffers.address + 0x80_0000) | 0, 0, SEND | 60, 0]);
        r.doorbell();
      },
    ],
    ['an address where no PHY is', 'phy-address', (r) => r.write(c.MDIC, put(put(0, c.MDIC.OP, 2), c.MDIC.PHYADD, 9))],
    [
      'a packet of one empty buffer',
      'descriptor-length',
      (r) => {
        r.start();
        r.descriptor([r.place(new Uint8Array(1)) | 0, 0, SEND, 0]);
        r.doorbell();
      },
    ],
    [
      'receiver on before its ring',
      'ring-length',
      (r) => {
        r.write(RCTL, RCTL.EN);
        r.write(c.RDLEN, 128);
      },
    ],
    ['EEPROM pins without asking', 'nvm-access', (r) => r.write(c.EECD, c.EECD.CS)],
    ['EEPROM word out of range', 'nvm-access', (r) => r.write(c.EERD, put(c.EERD.START, c.EERD.ADDR, 200))],
    [
      'reserved buffer size',
      'reserved-bits',
      (r) => {
        r.rings();
        r.write(RCTL, RCTL.EN | RCTL.BSEX);
      },
    ],
    [
      'access while asleep',
      'power-state',
      (r) => {
        r.fn.write16(r.fn.capability(pci.CAP.PM)!.at + pci.PMCSR.at, 3);
        r.read(STATUS);
      },
    ],
  ];

  test.each(mistakes)('%s', (_name, rule, make) => {
    const r = rig();
    make(r);
    expect(r.problems()).toEqual([rule]);
    const [finding] = r.machine.diagnostics.problems();
    expect(finding!.ref).toMatch(/§/);
    expect(finding!.device).toContain('82540em');
  });
});

describe('statistics', () => {
  test('count every size class, and stop at all ones', () => {
    const r = rig({ entries: 32 }).start();
    const sizes = [60, 100, 200, 400, 800, 1400];
    for (const size of sizes) r.inject(ethernet(MAC, size));
    expect([c.PRC64, c.PRC127, c.PRC255, c.PRC511, c.PRC1023, c.PRC1522].map((reg) => r.read(reg))).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
    const bytes = sizes.reduce((sum, size) => sum + size + 4, 0);
    expect(r.read(c.GORCL)).toBe(bytes);
    expect(r.read(c.GORCL)).toBe(bytes);
    expect(r.read(c.GORCH)).toBe(0);
    expect(r.read(c.GORCL)).toBe(0);
    r.inject(ethernet(BROADCAST));
    expect([r.read(c.BPRC), r.read(c.GPRC)]).toEqual([1, 7]);
    r.model.regs.set(c.GPRC, -1);
    r.inject(ethernet(MAC));
    expect(r.read(c.GPRC)).toBe(-1);
  });
});
