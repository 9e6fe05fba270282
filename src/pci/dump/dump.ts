/** Foreign configuration-space dumps: text to bytes, bytes to header and capabilities. */
import { Parser } from 'binary-parser';
import { type Bdf, bdf } from '../../platform/config-access.js';
import { pick } from '../../registers/define.js';
import * as pci from '../../registers/pci.js';
import { type Bar, barCount } from '../bars.js';
import { walkCapabilities } from '../capabilities.js';
import type { LspciFunction } from '../lspci.js';

/** The 64 bytes that every function has, field by field. */
export interface ParsedHeader {
  readonly vendor: number;
  readonly device: number;
  readonly command: number;
  readonly status: number;
  readonly revision: number;
  readonly progIf: number;
  readonly subclass: number;
  readonly baseClass: number;
  readonly cacheLine: number;
  readonly latency: number;
  readonly headerType: number;
  readonly bist: number;
  /** The 48 bytes whose meaning depends on the layout. */
  readonly rest: {
    /** Absent in layouts other than devices and bridges. */
    readonly bars?: readonly number[];
    readonly subsystemVendor?: number;
    readonly subsystem?: number;
    readonly rom?: number;
    readonly capabilities: number;
    readonly interruptLine: number;
    readonly interruptPin: number;
    readonly primaryBus?: number;
    readonly secondaryBus?: number;
    readonly subordinateBus?: number;
  };
}

/** A function as a dump shows it. Sizes of BARs cannot be known. */
export interface DumpedFunction extends LspciFunction {
  /** The line before the bytes, without the address. */
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly header: ParsedHeader;
  readonly issues: readonly string[];
}

const HEADER = 0x40;
const MOST = 0x1000;
const HIGH = 0x1_0000_0000;

const device = new Parser()
  .array('bars', { type: 'uint32le', length: 6 })
  .uint32le('cis')
  .uint16le('subsystemVendor')
  .uint16le('subsystem')
  .uint32le('rom')
  .uint8('capabilities')
  .seek(7)
  .uint8('interruptLine')
  .uint8('interruptPin')
  .uint8('minGrant')
  .uint8('maxLatency');
const bridge = new Parser()
  .array('bars', { type: 'uint32le', length: 2 })
  .uint8('primaryBus')
  .uint8('secondaryBus')
  .uint8('subordinateBus')
  .seek(25)
  .uint8('capabilities')
  .seek(3)
  .uint32le('rom')
  .uint8('interruptLine')
  .uint8('interruptPin')
  .uint16le('bridgeControl');
const other = new Parser()
  .seek(0x24)
  .uint8('capabilities')
  .seek(7)
  .uint8('interruptLine')
  .uint8('interruptPin')
  .uint16le('bridgeControl');
const header = new Parser()
  .uint16le('vendor')
  .uint16le('device')
  .uint16le('command')
  .uint16le('status')
  .uint8('revision')
  .uint8('progIf')
  .uint8('subclass')
  .uint8('baseClass')
  .uint8('cacheLine')
  .uint8('latency')
  .uint8('headerType')
  .uint8('bist')
  .choice('rest', {
    tag: function (this: { headerType: number }) {
      return this.headerType & 0x7f;
    },
    choices: { 0: device, 1: bridge },
    defaultChoice: other,
  });

/** Splits the first 64 bytes. @throws RangeError when there are fewer */
export function parseHeader(bytes: Uint8Array): ParsedHeader {
  if (bytes.length < HEADER) throw new RangeError(`a header has ${HEADER} bytes, ${bytes.length} were given`);
  return header.parse(bytes) as ParsedHeader;
}

const TITLE = /^(?:[0-9a-f]{4,}:)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])(?:\s+(.*))?$/i;
const ROW = /^\s*([0-9a-f]{2,3}):((?:\s+[0-9a-f]{2}){1,16})\s*$/i;

/**
 * Reads every function of a listing. Other lines are skipped; functions with fewer than 64 bytes are left out.
 * @param text output of `lspci -x`, at most 16 MiB of it are looked at
 */
export function parseDump(text: string): DumpedFunction[] {
  const found: DumpedFunction[] = [];
  let where: { address: Bdf; title: string } | undefined;
  let bytes = new Uint8Array(MOST);
  let length = 0;
  const close = (): void => {
    if (where && length >= HEADER) found.push(dumped(where.address, where.title, bytes.slice(0, length)));
    where = undefined;
    length = 0;
  };
  for (const line of text.slice(0, 0x100_0000).split(/\r?\n/)) {
    const title = TITLE.exec(line);
    if (title) {
      close();
      bytes = new Uint8Array(MOST);
      const [, bus, slot, fn, rest] = title;
      where = {
        address: bdf(Number.parseInt(bus!, 16), Number.parseInt(slot!, 16), Number(fn)),
        title: rest ?? '',
      };
      continue;
    }
    const row = where ? ROW.exec(line) : null;
    if (!row) continue;
    const at = Number.parseInt(row[1]!, 16);
    // Rows come in order; a gap ends what is known.
    if (at !== length) continue;
    for (const byte of row[2]!.trim().split(/\s+/)) {
      if (length < MOST) bytes[length++] = Number.parseInt(byte, 16);
    }
  }
  close();
  return found;
}

function dumped(address: Bdf, title: string, bytes: Uint8Array): DumpedFunction {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = {
    configBytes: bytes.length,
    read8: (at: number): number => (at >= 0 && at < bytes.length ? view.getUint8(at) : 0xff),
    read16: (at: number): number => (at >= 0 && at + 2 <= bytes.length ? view.getUint16(at, true) : 0xffff),
    read32: (at: number): number => (at >= 0 && at + 4 <= bytes.length ? view.getInt32(at, true) : -1),
  };
  const issues: string[] = [];
  const fields = parseHeader(bytes);
  const layout = pick(fields.headerType, pci.HEADER_TYPE.LAYOUT);
  // A plain -x shows the header only: the capability list is then out of sight, not broken.
  const capabilities = bytes.length > HEADER ? walkCapabilities(read, issues) : [];
  return {
    ...read,
    title,
    bytes,
    header: fields,
    issues,
    address,
    vendor: fields.vendor,
    device: fields.device,
    revision: fields.revision,
    classCode: (fields.baseClass << 16) | (fields.subclass << 8) | fields.progIf,
    layout,
    subsystemVendor: fields.rest.subsystemVendor ?? 0,
    subsystem: fields.rest.subsystem ?? 0,
    interruptPin: fields.rest.interruptPin,
    capabilities,
    bars: barsOf(fields, layout),
  };
}

function barsOf(fields: ParsedHeader, layout: number): LspciFunction['bars'] {
  const bars: LspciFunction['bars'][number][] = [];
  const values = fields.rest.bars ?? [];
  for (let i = 0; i < Math.min(values.length, barCount(layout)); i++) {
    const value = values[i]! | 0;
    if (value === 0) continue;
    if ((value & pci.BAR.IO) !== 0) {
      const address = (value & pci.IO_BAR.ADDRESS) >>> 0 || undefined;
      bars.push({ index: i, kind: 'io', prefetchable: false, address });
      continue;
    }
    const wide = pick(value, pci.BAR.TYPE) === 2 && i + 1 < values.length;
    const high = wide ? values[i + 1]! * HIGH : 0;
    const kind: Bar['kind'] = wide ? 'memory64' : 'memory32';
    const address = (value & pci.BAR.ADDRESS) >>> 0;
    bars.push({
      index: i,
      kind,
      prefetchable: (value & pci.BAR.PREFETCH) !== 0,
      address: address + high || undefined,
    });
    if (wide) i++;
  }
  return bars;
}
