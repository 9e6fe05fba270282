/** Units that RTL8168H and RTL8125B share take masks from RTL8168H's map: they must stand at the same place in RTL8125B's. */
import { describe, expect, test } from 'vitest';
import { type AnyReg, maskOf, meta, rtl8125b, rtl8168h } from '../../src/registers/index.js';

/** Registers that stand elsewhere in the other chip, or have fields of their own there, and the fields that shared units use. */
const USED = {
  ISR: ['ROK', 'RER', 'TOK', 'TER', 'RDU', 'LINKCHG', 'FOVW', 'TDU', 'SWINT', 'TIMEOUT', 'SERR'],
  IMR: ['ROK', 'RER', 'TOK', 'TER', 'RDU', 'LINKCHG', 'FOVW', 'TDU', 'SWINT', 'TIMEOUT', 'SERR'],
  TXCFG: ['NOCRC', 'LBK', 'XID_LO', 'XID_HI'],
  RCR: ['AAP', 'APM', 'AM', 'AB', 'AR', 'AER', 'EE9356'],
} as const;

function mask(register: AnyReg, field: string): number {
  const found = register[meta].fields[field];
  expect(found, `${register[meta].name}.${field}`).toBeDefined();
  return maskOf(found!);
}

describe.each(Object.entries(USED))('%s', (name, fields) => {
  const [mine, its] = [rtl8168h, rtl8125b].map((map) => (map as unknown as Record<string, AnyReg>)[name]!) as [
    AnyReg,
    AnyReg,
  ];
  test.each(fields)('%s', (field) => {
    expect(mask(its, field)).toBe(mask(mine, field));
  });
});

test('every other register that shared units use is one object', () => {
  for (const name of [
    ...['CR', 'RMS', 'CPCR', 'MISC', 'MCU', 'CFG9346', 'IDR0', 'IDR4', 'MAR0', 'MAR4', 'DTCCR', 'DTCCR_HI', 'TCTR'],
    ...['TIMERINT0', 'CONFIG1', 'CONFIG2', 'CONFIG3', 'CONFIG5', 'RDSAR_LO', 'RDSAR_HI', 'TNPDS_LO', 'TNPDS_HI'],
    ...[
      'TXD_OPTS1',
      'TXD_OPTS2',
      'TXD_OPTS2_GTS',
      'RXD_COMMAND',
      'RXD_OPTS1',
      'RXD_OPTS2',
      'PHYAR',
      'GPHY_OCP',
      'OCPDR',
    ],
  ] as const)
    expect(rtl8125b[name as keyof typeof rtl8125b], name).toBe(rtl8168h[name as keyof typeof rtl8168h]);
});
