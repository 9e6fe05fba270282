/** 82574L: causes, masks and moderation; MSI-X by IVAR; RSS, time stamps, flow control, wake-up, statistics. */
import { describe, expect, test } from 'vitest';
import { i82574 as c, pci, pick, put } from '../../src/registers/index.js';
import { Rig574, SEND, tcp6Frame } from './i82574-rig.js';
import { BROADCAST, ethernet, MAC, tcpFrame } from './rig.js';

const { RCTL, CTRL, CTRL_EXT, ICR, IMS, IMC, ICS, IVAR, EIAC, IAM, STATUS, TSYNCRXCTL, TSYNCTXCTL } = c;

/** IVAR as e1000e sets it: rx 0, tx 1, other 2; queue 1 on 3 and 4. */
const VECTORS =
  put(put(put(put(put(0, IVAR.RXQ0, 0), IVAR.TXQ0, 1), IVAR.OTHER, 2), IVAR.RXQ1, 3), IVAR.TXQ1, 4) |
  IVAR.RXQ0_VALID |
  IVAR.TXQ0_VALID |
  IVAR.OTHER_VALID |
  IVAR.RXQ1_VALID |
  IVAR.TXQ1_VALID |
  IVAR.TX_WB;

/** A rig with MSI-X on; `sent` counts the messages of each vector. */
function withMsix(): { r: Rig574; sent: number[] } {
  const r = new Rig574();
  const sent = [0, 0, 0, 0, 0];
  r.fn.enableMsix(sent.map((_, vector) => () => sent[vector]!++));
  r.write(IVAR, VECTORS);
  return { r, sent };
}

describe('INTx and MSI', () => {
  test('INT_ASSERTED only with an enabled cause; reading clears then, or with nothing enabled', () => {
    const r = new Rig574();
    r.write(ICS, ICS.LSC);
    r.write(IMS, IMS.RXT0);
    expect(r.read(ICR)).toBe(ICR.LSC);
    expect(r.read(ICR)).toBe(ICR.LSC);
    r.write(ICS, ICS.RXT0);
    expect(r.read(ICS)).toBe(ICR.LSC | ICR.RXT0 | ICR.INT_ASSERTED);
    expect(r.read(ICR)).toBe(ICR.LSC | ICR.RXT0 | ICR.INT_ASSERTED);
    expect(r.read(ICR)).toBe(0);
    r.write(IMC, -1);
    r.write(ICS, ICS.LSC);
    expect(r.read(ICR)).toBe(ICR.LSC);
    expect(r.read(ICR)).toBe(0);
  });

  test('IAME: reading ICR masks what IAM says', () => {
    const r = new Rig574();
    r.write(CTRL_EXT, CTRL_EXT.IAME);
    r.write(IAM, IMS.LSC);
    r.write(IMS, IMS.LSC | IMS.RXT0);
    r.write(ICS, ICS.LSC);
    r.read(ICR);
    expect(r.read(IMS)).toBe(IMS.RXT0);
  });

  test('writing ICR clears what is 1, with OTHER all its causes', () => {
    const r = new Rig574();
    r.write(ICS, ICS.LSC | ICS.RXT0 | ICS.RXO);
    r.write(ICR, ICR.RXT0);
    expect(r.read(ICS)).toBe(ICR.LSC | ICR.RXO);
    r.write(ICR, ICR.OTHER);
    expect(r.read(ICS)).toBe(0);
  });

  test('the line follows, MSI is sent on the rising edge', () => {
    const r = new Rig574();
    let messages = 0;
    r.fn.enableMsi(() => messages++);
    r.write(IMS, IMS.RXSEQ);
    r.write(ICS, ICS.RXSEQ);
    r.run(10);
    expect(messages).toBe(1);
    r.read(ICR);
    r.write(ICS, ICS.RXSEQ);
    r.run(10);
    expect(messages).toBe(2);
    expect(r.read(c.IAC)).toBe(2);
  });

  test('ITR keeps interrupts apart', () => {
    const r = new Rig574();
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

  test('RDTR waits for quiet, RADV ends the waiting; FPD ends it at once; each is counted', () => {
    const r = new Rig574().start();
    r.write(c.RDTR, 100);
    r.write(c.RADV, 250);
    r.read(ICR);
    for (let i = 0; i < 2; i++) {
      r.inject(ethernet(MAC));
      r.run(80);
    }
    expect(r.read(ICS) & ICR.RXT0).toBe(0);
    r.inject(ethernet(MAC));
    r.run(97);
    expect(r.read(ICR) & ICR.RXT0).not.toBe(0);
    r.inject(ethernet(MAC));
    expect(r.read(ICS) & ICR.RXT0).toBe(0);
    r.write(c.RDTR, 100 | c.RDTR.FPD);
    expect(r.read(ICR) & ICR.RXT0).not.toBe(0);
    r.inject(ethernet(MAC));
    r.run(110);
    expect([c.ICRXATC, c.ICRXPTC].map((reg) => r.read(reg))).toEqual([1, 1]);
  });

  test('TIDV delays only descriptors with IDE', () => {
    const r = new Rig574().start();
    r.write(c.TIDV, 200);
    r.read(ICR);
    r.legacy(ethernet(BROADCAST), SEND | c.TXD_CMD.IDE);
    r.doorbell();
    expect(r.read(ICS) & ICR.TXDW).toBe(0);
    r.run(250);
    expect(r.read(ICR) & ICR.TXDW).not.toBe(0);
    r.legacy(ethernet(BROADCAST));
    r.doorbell();
    expect(r.read(ICR) & ICR.TXDW).not.toBe(0);
  });
});

describe('MSI-X', () => {
  test('each cause has the vector of IVAR; EIAC clears it and masks it', () => {
    const { r, sent } = withMsix();
    r.start();
    r.read(ICR);
    r.write(CTRL_EXT, CTRL_EXT.EIAME | CTRL_EXT.PBA_CLR);
    r.write(EIAC, EIAC.RXQ0 | EIAC.TXQ0);
    r.write(IMS, IMS.RXQ0 | IMS.TXQ0 | IMS.OTHER | IMS.LSC);
    r.inject(ethernet(MAC));
    r.run(10);
    expect(sent).toEqual([1, 0, 0, 0, 0]);
    expect(r.read(IMS)).toBe(IMS.TXQ0 | IMS.OTHER | IMS.LSC);
    expect(r.read(ICS) & ICR.RXQ0).toBe(0);
    r.inject(ethernet(MAC));
    r.run(10);
    expect(sent[0]).toBe(1);
    r.write(IMS, IMS.RXQ0);
    r.run(10);
    expect(sent[0]).toBe(2);
    r.legacy(ethernet(BROADCAST));
    r.doorbell();
    expect(sent[1]).toBe(1);
    r.cable.pull();
    r.run(10);
    expect(sent).toEqual([2, 1, 1, 0, 0]);
    const icr = r.read(ICR);
    expect(icr & (ICR.LSC | ICR.OTHER | ICR.INT_ASSERTED)).toBe(ICR.LSC | ICR.OTHER | ICR.INT_ASSERTED);
    expect(r.read(ICR)).toBe(0);
  });

  test('ICS fires again; a cause whose message was sent does not', () => {
    const { r, sent } = withMsix();
    r.write(IMS, IMS.OTHER | IMS.LSC);
    r.write(ICS, ICS.LSC | ICS.OTHER);
    r.write(ICS, ICS.LSC | ICS.OTHER);
    r.run(10);
    expect(sent[2]).toBe(1);
    r.read(ICR);
    r.write(ICS, ICS.LSC);
    r.run(10);
    expect(sent[2]).toBe(2);
  });

  test('EITR keeps the messages of a vector apart and loses none', () => {
    const { r, sent } = withMsix();
    r.write(c.EITR, 1000, 3); // 256 us.
    r.write(EIAC, EIAC.RXQ1);
    for (let i = 0; i < 20; i++) {
      r.write(IMS, IMS.RXQ1);
      r.write(ICS, ICS.RXQ1);
      r.run(50);
    }
    expect(sent[3]).toBeGreaterThanOrEqual(3);
    expect(sent[3]).toBeLessThanOrEqual(5);
    r.run(500);
    expect(r.read(ICS) & ICR.RXQ1).toBe(0);
  });

  test('a masked vector is pending; PBACLR and PBA_CLR forget it', () => {
    const { r } = withMsix();
    const table = r.fn.mapBar(3);
    const pending = (): number => table.read32(c.MSIX_BAR.pending);
    table.write32(2 * pci.MSIX_ENTRY_BYTES + pci.MSIX_ENTRY_CONTROL.at, 1);
    r.write(IMS, IMS.OTHER);
    r.write(ICS, ICS.OTHER);
    expect(pending()).toBe(4);
    r.write(c.PBACLR, 4);
    expect(pending()).toBe(0);
    r.read(ICR);
    r.write(ICS, ICS.OTHER);
    expect(pending()).toBe(4);
    r.write(CTRL_EXT, CTRL_EXT.PBA_CLR);
    r.write(IMS, IMS.OTHER);
    expect(pending()).toBe(0);
  });
});

describe('RSS', () => {
  /** The verification suite of the RSS specification. */
  const KEY = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
    0x01, 0xfa,
  ];
  const scaled = (): Rig574 => {
    const r = new Rig574();
    for (let i = 0; i < 10; i++)
      r.write(
        c.RSSRK,
        KEY.slice(4 * i, 4 * i + 4).reduce((all, byte, j) => all | (byte << (8 * j)), 0),
        i,
      );
    r.set(c.RXCSUM, c.RXCSUM.PCSD);
    r.set(c.RFCTL, c.RFCTL.EXSTEN);
    r.write(c.MRQC, put(0, c.MRQC.ENABLE, 1) | c.MRQC.TCP_IPV4 | c.MRQC.IPV4 | c.MRQC.TCP_IPV6 | c.MRQC.IPV6);
    return r.start();
  };

  test.each([
    [[66, 9, 149, 187], 2794, [161, 142, 100, 80], 1766, 0x51ccc178, 0x323e8fc2],
    [[199, 92, 111, 2], 14230, [65, 69, 140, 83], 4739, 0xc626b0ea, 0xd718262a],
    [[24, 19, 198, 95], 12898, [12, 22, 207, 184], 38024, 0x5c2b394a, 0xd2d0a5de],
  ])('the published hashes: %s:%i', (from, fromPort, to, toPort, tcp, ip) => {
    const r = scaled();
    const frame = tcpFrame(10);
    frame.set(from, 26);
    frame.set(to, 30);
    const view = new DataView(frame.buffer);
    view.setUint16(34, fromPort);
    view.setUint16(36, toPort);
    r.inject(frame);
    const first = r.received()!;
    expect(first.second >>> 0).toBe(tcp);
    expect(pick(first.mrq, c.RXDX_MRQ.RSS_TYPE)).toBe(1);
    frame[23] = 17;
    r.inject(frame);
    const second = r.received()!;
    expect(second.second >>> 0).toBe(ip);
    expect(pick(second.mrq, c.RXDX_MRQ.RSS_TYPE)).toBe(2);
  });

  test('RETA chooses the queue; IPv6 is hashed too, other frames go to queue 0', () => {
    const r = scaled();
    for (let i = 0; i < 32; i++) r.write(c.RETA, 0x8080_8080 | 0, i);
    r.inject(tcpFrame(10));
    r.inject(tcp6Frame(10));
    r.inject(ethernet(MAC));
    const got = [r.received(1)!, r.received(1)!];
    expect(got.map((each) => pick(each.mrq, c.RXDX_MRQ.QUEUE))).toEqual([1, 1]);
    expect(got.map((each) => pick(each.mrq, c.RXDX_MRQ.RSS_TYPE))).toEqual([1, 3]);
    expect(r.received()!.bytes).toEqual(ethernet(MAC));
    expect(r.problems()).toEqual([]);
  });
});

describe('time stamps', () => {
  const now = (r: Rig574): number => r.read(c.SYSTIMH) * 2 ** 32 + (r.read(c.SYSTIML) >>> 0);
  const running = (): Rig574 => {
    const r = new Rig574().start();
    r.write(c.TIMINCA, put(put(0, c.TIMINCA.INCPERIOD, 1), c.TIMINCA.INCVALUE, 40 << 18));
    return r;
  };
  const ptp = (type = 0): Uint8Array => {
    const frame = ethernet(MAC, 60, 0x88f7);
    frame[14] = type;
    frame.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x12, 0x34], 34);
    return frame;
  };

  test('system time goes with TIMINCA, in 2^-18 ns; TIMADJ moves it', () => {
    const r = running();
    const start = now(r);
    r.wait(1000);
    expect(now(r) - start).toBe(1_000_000 * 2 ** 18);
    r.wait(60_000_000);
    expect((now(r) - start) / 2 ** 18).toBe(60_001_000_000);
    const before = now(r);
    r.write(c.TIMADJL, 8);
    r.write(c.TIMADJH, put(c.TIMADJH.SIGN, c.TIMADJH.TADJH, 1));
    expect(before - now(r)).toBe(2 ** 32 + 8);
    r.write(c.TIMINCA, 0);
    const stopped = now(r);
    r.wait(100);
    expect(now(r)).toBe(stopped);
  });

  test('a received PTP packet is stamped, the next waits until the stamp was read', () => {
    const r = running();
    r.write(TSYNCRXCTL, TSYNCRXCTL.EN);
    r.inject(ethernet(MAC));
    expect(r.received()!.status & c.RXDX_STATERR.TST).toBe(0);
    r.wait(777);
    const time = now(r);
    r.inject(ptp());
    r.inject(ptp());
    expect(r.received()!.status & c.RXDX_STATERR.TST).not.toBe(0);
    expect(r.received()!.status & c.RXDX_STATERR.TST).toBe(0);
    expect(r.read(TSYNCRXCTL) & TSYNCRXCTL.RXTT).not.toBe(0);
    expect(pick(r.read(c.RXSATRH), c.RXSATRH.SEQUENCE)).toBe(0x1234);
    expect(r.read(c.RXSTMPL) >>> 0).toBe(time % 2 ** 32);
    expect(r.read(c.RXSTMPH) >>> 0).toBe(Math.floor(time / 2 ** 32));
    expect(r.read(TSYNCRXCTL) & TSYNCRXCTL.RXTT).toBe(0);
    r.write(TSYNCRXCTL, put(TSYNCRXCTL.EN, TSYNCRXCTL.TYPE, 5));
    r.inject(ptp(9));
    expect(r.received()!.status & c.RXDX_STATERR.TST).toBe(0);
    r.inject(ptp(1));
    expect(r.received()!.status & c.RXDX_STATERR.TST).not.toBe(0);
  });

  test('a sent packet that asks for it is stamped', () => {
    const r = running();
    r.write(TSYNCTXCTL, TSYNCTXCTL.EN);
    const frame = ptp();
    const command = put(c.TXD_DATA.DEXT | SEND, c.TXD_DATA.DTYP, 1) | frame.length;
    r.wait(5);
    r.descriptor([r.place(frame) | 0, 0, command, 0]);
    r.doorbell();
    expect(r.read(TSYNCTXCTL) & TSYNCTXCTL.TXTT).toBe(0);
    r.descriptor([r.place(frame) | 0, 0, command, c.TXD_POPTS.TSTAMP]);
    r.doorbell();
    expect(r.read(TSYNCTXCTL) & TSYNCTXCTL.TXTT).not.toBe(0);
    expect(r.read(c.TXSTMPL)).not.toBe(0);
    r.read(c.TXSTMPH);
    expect(r.read(TSYNCTXCTL) & TSYNCTXCTL.TXTT).toBe(0);
  });
});

test('PAUSE holds both transmit queues; a full FIFO sends XOFF', () => {
  const r = new Rig574().start();
  r.set(CTRL, CTRL.RFCE | CTRL.TFCE);
  const pause = ethernet([0x01, 0x80, 0xc2, 0, 0, 1], 60, 0x8808);
  pause.set([0, 1, 1000 >> 8, 1000 & 0xff], 14);
  expect(r.inject(pause)).toBe('pause-frame');
  for (const queue of [0, 1]) {
    r.legacy(ethernet(BROADCAST), SEND, 0, queue);
    r.doorbell(queue);
  }
  expect(r.sent).toHaveLength(0);
  expect(r.read(STATUS) & STATUS.TXOFF).not.toBe(0);
  r.run(1000 * 0.512 + 5);
  expect(r.sent).toHaveLength(2);
  r.write(c.FCRTH, 8000);
  for (let i = 0; i < 25; i++) r.inject(ethernet(MAC, 1000));
  expect([r.read(c.XOFFRXC), r.read(c.XOFFTXC)]).toEqual([1, 1]);
});

test.each([
  ['magic packet', c.WUFC.MAG],
  ['link change', c.WUFC.LNKC],
])('wakes by %s', (name, filter) => {
  const r = new Rig574().start();
  let woke = 0;
  r.machine.onPme = () => woke++;
  r.write(c.WUFC, filter);
  r.write(c.WUC, c.WUC.PME_EN);
  const pm = r.fn.capability(pci.CAP.PM)!.at;
  r.fn.write16(pm + pci.PMCSR.at, pci.PMCSR.PME_EN | 3);
  expect(r.inject(ethernet(BROADCAST))).toBe('power-state');
  expect(woke).toBe(0);
  if (name === 'link change') r.cable.pull();
  else {
    const bytes = ethernet(BROADCAST, 130);
    bytes.fill(0xff, 20, 26);
    for (let i = 0; i < 16; i++) bytes.set(MAC, 26 + 6 * i);
    r.inject(bytes);
  }
  expect(woke).toBe(1);
  expect(r.io.read32(STATUS.at)).toBe(-1);
  r.fn.write16(pm + pci.PMCSR.at, 0);
  expect(r.read(RCTL)).toBe(0);
});

test('statistics count every size class, and stop at all ones', () => {
  const r = new Rig574().start();
  const sizes = [60, 100, 200, 400, 800, 1400];
  for (const size of sizes) r.inject(ethernet(MAC, size));
  const classes = [c.PRC64, c.PRC127, c.PRC255, c.PRC511, c.PRC1023, c.PRC1522];
  expect(classes.map((reg) => r.read(reg))).toEqual([1, 1, 1, 1, 1, 1]);
  const bytes = sizes.reduce((sum, size) => sum + size + 4, 0);
  expect([r.read(c.GORCL), r.read(c.GORCH), r.read(c.GORCL)]).toEqual([bytes, 0, 0]);
  r.model.regs.set(c.GPRC, -1);
  r.model.regs.set(c.GORCL, -4);
  r.inject(ethernet(MAC));
  expect(r.read(c.GPRC)).toBe(-1);
  expect(r.read(c.GORCH)).toBe(1);
});

test.each(['timed', 'adversarial'] as const)('the %s schedule loses nothing', (schedule) => {
  const r = new Rig574({ schedule }).start();
  r.run(3_000_000);
  for (let i = 0; i < 8; i++) r.legacy(ethernet(BROADCAST, 60 + i));
  r.doorbell();
  for (let i = 0; i < 8; i++) r.inject(ethernet(MAC, 100 + i));
  r.run(10_000);
  expect(r.sent.map((bytes) => bytes.length)).toEqual([60, 61, 62, 63, 64, 65, 66, 67]);
  for (let i = 0; i < 8; i++) expect(r.received()!.bytes).toHaveLength(100 + i);
});
