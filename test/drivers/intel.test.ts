import { describe, expect, it } from 'vitest';
import { E1000_IDS } from '../../src/drivers/e1000/ids.js';
import { E1000E_IDS } from '../../src/drivers/e1000e/ids.js';
import { type AnyReg, maskOf, meta } from '../../src/registers/define.js';
import * as i82540em from '../../src/registers/i82540em/index.js';
import * as i82574 from '../../src/registers/i82574/index.js';

type Registers = Readonly<Record<string, AnyReg>>;

/** Offset and masks, by name. */
function shape(register: AnyReg): Record<string, number> {
  const fields = Object.entries(register[meta].fields).map(([name, field]) => [name, maskOf(field)]);
  return { at: register.at, ...Object.fromEntries(fields) };
}

const [old, recent] = [i82540em as unknown as Registers, i82574 as unknown as Registers];

describe('one code for the family', () => {
  it('uses transmit descriptors that are the same in both chips', () => {
    for (const name of [
      'TXD_ADDRL',
      'TXD_ADDRH',
      'TXD_CMD',
      'TXD_STATUS',
      'TXD_DATA',
      'CTX_IP',
      'CTX_TU',
      'CTX_CMD',
      'CTX_MSS',
    ] as const)
      expect(shape(recent[name]!), name).toEqual(shape(old[name]!));
    expect(shape(i82574.TXD_POPTS)).toMatchObject(shape(i82540em.TXD_POPTS));
    expect(i82574.DESCRIPTOR_BYTES).toBe(i82540em.DESCRIPTOR_BYTES);
  });

  it('finds the common status bits of received frames at the same place in every format', () => {
    for (const bit of ['DD', 'EOP', 'IXSM', 'VP', 'TCPCS', 'IPCS'] as const) {
      expect(i82574.RXD_STATUS[bit], bit).toBe(i82540em.RXD_STATUS[bit]);
      expect(i82574.RXDX_STATERR[bit], bit).toBe(i82540em.RXD_STATUS[bit]);
    }
    for (const length of [i82574.RXDX_LENGTH.LENGTH, i82574.RXD_LENGTH.LENGTH, i82540em.RXD_LENGTH.LENGTH])
      expect(length).toBe(0xffff);
    for (const tag of [i82574.RXDX_LENGTH.VLAN, i82574.RXD_STATUS.SPECIAL, i82540em.RXD_STATUS.SPECIAL])
      expect(tag >>> 0).toBe(0xffff_0000);
  });

  it('knows each device by one driver only', () => {
    const devices = [...E1000_IDS, ...E1000E_IDS].map((id) => id.device);
    expect(new Set(devices).size).toBe(devices.length);
  });
});
