/** 82574L: a driver's mistakes. Each is one diagnostic, with register, value and section. */
import { expect, test } from 'vitest';
import { i82574 as c, pci, put } from '../../src/registers/index.js';
import { Rig574, SEND } from './i82574-rig.js';
import { BROADCAST, ethernet, MAC, tcpFrame } from './rig.js';

const { RCTL, CTRL } = c;
const DATA = put(c.TXD_DATA.DEXT, c.TXD_DATA.DTYP, 1);

const MISTAKES: readonly (readonly [string, string, string, (r: Rig574) => void])[] = [
  ['receive ring length no multiple of 128', 'ring-length', 'RDLEN0', (r) => r.write(c.RDLEN0, 16)],
  ['transmit ring length no multiple of 128', 'ring-length', 'TDLEN1', (r) => r.write(c.TDLEN1, 200)],
  ['receive ring not aligned', 'ring-alignment', 'RDBAL0', (r) => r.write(c.RDBAL0, 0x1008)],
  ['transmit ring not aligned', 'ring-alignment', 'TDBAL1', (r) => r.write(c.TDBAL1, 0x1004)],
  ['transmitter on without a ring', 'ring-length', 'TDLEN0', (r) => r.write(c.TCTL, c.TCTL.EN)],
  [
    'a frame comes and there is no ring',
    'ring-length',
    'RDLEN0',
    (r) => {
      r.run();
      r.write(RCTL, RCTL.EN | RCTL.UPE);
      r.inject(ethernet(MAC));
    },
  ],
  [
    'transmit tail beyond the ring',
    'tail-beyond-ring',
    'TDT0',
    (r) => {
      r.rings();
      r.write(c.TDT0, 16);
    },
  ],
  [
    'receive tail beyond the ring',
    'tail-beyond-ring',
    'RDT1',
    (r) => {
      r.rings();
      r.write(c.RDT1, 100);
    },
  ],
  ['transmit ring changed while it runs', 'ring-while-enabled', 'TDLEN0', (r) => r.start().write(c.TDLEN0, 128)],
  ['receive ring changed while it runs', 'ring-while-enabled', 'RDLEN1', (r) => r.start().write(c.RDLEN1, 128)],
  ['unknown register', 'unknown-register', 'offset 0x00000144', (r) => r.io.read32(0x144)],
  ['narrow access', 'access-width', 'STATUS', (r) => r.io.read16(c.STATUS.at)],
  [
    'unknown descriptor type',
    'descriptor-type',
    'DTYP',
    (r) => {
      r.start().descriptor([0, 0, put(c.TXD_DATA.DEXT, c.TXD_DATA.DTYP, 5), 0]);
      r.doorbell();
    },
  ],
  [
    'packet split without extended descriptors',
    'descriptor-type',
    'RCTL',
    (r) => {
      r.rings();
      r.write(RCTL, put(RCTL.EN, RCTL.DTYP, 1));
    },
  ],
  [
    'packet split without a header buffer',
    'descriptor-length',
    'PSRCTL',
    (r) => {
      r.rings();
      r.write(c.RFCTL, c.RFCTL.EXSTEN);
      r.write(c.PSRCTL, put(0, c.PSRCTL.BSIZE1, 4));
      r.write(RCTL, put(RCTL.EN, RCTL.DTYP, 1));
    },
  ],
  [
    'RSS with the packet checksum',
    'offload-context',
    'MRQC',
    (r) => {
      r.rings();
      r.write(c.RFCTL, c.RFCTL.EXSTEN);
      r.write(c.MRQC, put(0, c.MRQC.ENABLE, 1));
      r.write(RCTL, RCTL.EN);
    },
  ],
  [
    'empty buffer',
    'descriptor-length',
    'LENGTH',
    (r) => {
      r.start().legacy(ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP);
      r.descriptor([r.place(new Uint8Array(1)) | 0, 0, SEND, 0]);
      r.doorbell();
    },
  ],
  [
    'packet without end',
    'frame-without-end',
    'TDT1',
    (r) => {
      r.start().legacy(ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP, 0, 1);
      r.doorbell(1);
    },
  ],
  [
    'packet too long',
    'frame-too-long',
    'LENGTH',
    (r) => {
      const part = r.place(new Uint8Array(16000)) | 0;
      r.start().descriptor([part, 0, 16000, 0]);
      r.descriptor([part, 0, SEND | 16000, 0]);
      r.doorbell();
    },
  ],
  [
    'short packet without padding',
    'frame-too-short',
    'TCTL',
    (r) => {
      r.start().write(c.TCTL, c.TCTL.EN);
      r.legacy(ethernet(BROADCAST, 42));
      r.doorbell();
    },
  ],
  [
    'checksum without context',
    'offload-context',
    'POPTS',
    (r) => {
      const frame = tcpFrame(20);
      r.start().descriptor([r.place(frame) | 0, 0, DATA | SEND | frame.length, c.TXD_POPTS.TXSM]);
      r.doorbell();
    },
  ],
  [
    'segmentation without context',
    'offload-context',
    'CTX',
    (r) => {
      const frame = tcpFrame(20);
      const command = DATA | c.TXD_DATA.TSE | c.TXD_DATA.EOP;
      r.start().descriptor([r.place(frame) | 0, 0, command | frame.length, 0]);
      r.doorbell();
    },
  ],
  [
    'checksum outside the packet',
    'offload-context',
    'CSO',
    (r) => {
      r.start().legacy(ethernet(BROADCAST), put(SEND | c.TXD_CMD.IC, c.TXD_CMD.CSO, 200));
      r.doorbell();
    },
  ],
  [
    'context inside a packet',
    'descriptor-order',
    'DTYP',
    (r) => {
      r.start().legacy(ethernet(BROADCAST), SEND & ~c.TXD_CMD.EOP);
      r.descriptor([0, 0, c.CTX_CMD.DEXT, 0]);
      r.descriptor([r.place(ethernet(BROADCAST)) | 0, 0, SEND | 60, 0]);
      r.doorbell();
    },
  ],
  [
    'DMA with mastering off',
    'dma-disabled',
    'COMMAND',
    (r) => {
      r.start().fn.write16(pci.COMMAND.at, pci.COMMAND.MEMORY);
      r.legacy(ethernet(BROADCAST));
      r.doorbell();
    },
  ],
  [
    'doorbell while GIO_MASTER_DISABLE is set',
    'dma-disabled',
    'CTRL',
    (r) => {
      r.start().set(CTRL, CTRL.GIO_MASTER_DISABLE);
      r.legacy(ethernet(BROADCAST));
      r.doorbell();
    },
  ],
  [
    'DMA outside memory',
    'dma-fault',
    'DMA',
    (r) => {
      r.start().descriptor([0x7000_0000, 0, SEND | 60, 0]);
      r.doorbell();
    },
  ],
  [
    'DMA to memory of nobody',
    'dma-not-allocated',
    'DMA',
    (r) => {
      r.start().descriptor([(r.data.address + 0x40_0000) | 0, 0, SEND | 60, 0]);
      r.doorbell();
    },
  ],
  [
    'an address where no PHY is',
    'phy-address',
    'MDIC',
    (r) => r.write(c.MDIC, put(put(0, c.MDIC.OP, 2), c.MDIC.PHYADD, 2)),
  ],
  ['NVM pins without asking', 'nvm-access', 'EEC', (r) => r.write(c.EEC, c.EEC.EE_CS)],
  ['NVM word read out of range', 'nvm-access', 'EERD', (r) => r.write(c.EERD, put(c.EERD.START, c.EERD.ADDR, 4000))],
  ['NVM word written out of range', 'nvm-access', 'EEWR', (r) => r.write(c.EEWR, put(c.EEWR.START, c.EEWR.ADDR, 4000))],
  [
    'reserved buffer size',
    'reserved-bits',
    'RCTL',
    (r) => {
      r.rings();
      r.write(RCTL, RCTL.EN | RCTL.BSEX);
    },
  ],
  [
    'a cause without a vector',
    'message-vector',
    'IVAR',
    (r) => {
      r.fn.enableMsix([() => {}, () => {}]);
      r.write(c.IVAR, put(c.IVAR.RXQ0_VALID, c.IVAR.RXQ0, 1));
      r.write(c.IMS, c.IMS.TXQ0);
      r.write(c.ICS, c.ICS.TXQ0);
    },
  ],
  [
    'a vector that the table does not have',
    'message-vector',
    'IVAR',
    (r) => {
      r.fn.enableMsix([() => {}]);
      r.write(c.IVAR, put(c.IVAR.OTHER_VALID, c.IVAR.OTHER, 6));
      r.write(c.IMS, c.IMS.OTHER);
      r.write(c.ICS, c.ICS.LSC);
    },
  ],
  [
    'access while asleep',
    'power-state',
    'PMCSR',
    (r) => {
      r.fn.write16(r.fn.capability(pci.CAP.PM)!.at + pci.PMCSR.at, 3);
      r.read(c.STATUS);
    },
  ],
];

test('there are at least 25 of them', () => {
  expect(MISTAKES.length).toBeGreaterThanOrEqual(25);
});

test.each(MISTAKES)('%s', (_name, rule, register, make) => {
  const r = new Rig574();
  make(r);
  const problems = r.machine.diagnostics.problems();
  expect(problems.map((each) => [each.rule, each.register])).toEqual([[rule, register]]);
  expect(problems[0]!.ref).toMatch(/§/);
  expect(problems[0]!.device).toContain('82574l');
});

test('MDIC while an access is under way', () => {
  const r = new Rig574({ schedule: 'timed' });
  for (let i = 0; i < 2; i++) r.write(c.MDIC, put(put(0, c.MDIC.OP, 2), c.MDIC.PHYADD, 1));
  expect(r.problems()).toEqual(['phy-busy']);
});
