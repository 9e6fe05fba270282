/** Names and words for the accesses of a guest: the registers that a model declares, and those of configuration space. */
import type { ConfigDeclaration, EmulatedFunction } from '../../emulators/index.js';
import {
  type AnyReg,
  explainChange,
  explainFields,
  hex,
  maskOf,
  meta,
  pci,
  type RegisterMap,
  registerAt,
} from '../../registers/index.js';

/** A register that an access met. */
export interface Place {
  readonly name: string;
  readonly register: AnyReg;
  /** Offset of the register in its space; less than or equal to the access's. */
  readonly at: number;
  readonly width: number;
}

/** Spaces: a BAR by its number, or configuration space. */
export type Space = number | 'config';

interface Piece {
  readonly at: number;
  readonly bytes: number;
  readonly map: RegisterMap;
}

/** Finds registers by place; each place is looked up once. */
export class RegisterNames {
  readonly #pieces = new Map<Space, Piece[]>();
  readonly #known = new Map<Space, Map<number, Place | undefined>>();

  constructor(fn: Pick<EmulatedFunction, 'maps' | 'config'>) {
    for (const { bar, at, map } of fn.maps ?? []) this.#add(bar, { at, bytes: map.bytes, map });
    for (const piece of configPieces(fn.config)) this.#add('config', piece);
  }

  #add(space: Space, piece: Piece): void {
    const list = this.#pieces.get(space);
    if (list) list.push(piece);
    else this.#pieces.set(space, [piece]);
  }

  /** The register at byte `at` of a space; undefined where none is declared. */
  find(space: Space, at: number): Place | undefined {
    let known = this.#known.get(space);
    if (known === undefined) {
      known = new Map();
      this.#known.set(space, known);
    }
    if (known.has(at)) return known.get(at);
    const place = this.#search(space, at);
    // A guest may touch every byte of a large BAR.
    if (known.size < KNOWN) known.set(at, place);
    return place;
  }

  /** `CTRL`; `CTRL.7:0` for a part of it; `VENDOR_ID,DEVICE_ID` for several at once; `BAR0+0x7000` where none is declared. */
  text(space: Space, at: number, width: number): string {
    const place = this.find(space, at);
    if (place === undefined)
      return `${space === 'config' ? 'config' : `BAR${space}`}+${hex(at, at > 0xffff ? 32 : 16)}`;
    if (at === place.at && width === place.width) return place.name;
    const end = at + width / 8;
    if (end <= place.at + place.width / 8) {
      const low = (at - place.at) * 8;
      return `${place.name}.${low + width - 1}:${low}`;
    }
    const names: string[] = [];
    for (let next = at; next < end; next++) {
      const name = this.find(space, next)?.name;
      if (name !== undefined && !names.includes(name)) names.push(name);
    }
    return names.join(',');
  }

  #search(space: Space, at: number): Place | undefined {
    for (const piece of this.#pieces.get(space) ?? []) {
      const inside = at - piece.at;
      if (inside < 0 || inside >= piece.bytes) continue;
      const found = registerAt(piece.map, inside);
      if (found === undefined) continue;
      const info = found.register[meta];
      const base = [info.at, ...info.alias].find((start) => {
        const offset = start + found.index * info.stride;
        return inside >= offset && inside < offset + info.width / 8;
      })!;
      const name = info.count > 1 ? `${info.name}[${found.index}]` : info.name;
      return { name, register: found.register, at: piece.at + base + found.index * info.stride, width: info.width };
    }
    return undefined;
  }
}

const KNOWN = 4096;

/** What a value says: fields, and which of them are not as they were; `before` is the whole register's last known value. */
export function valueText(
  place: Place | undefined,
  at: number,
  width: number,
  value: number,
  before: number | undefined,
): string {
  if (place === undefined || width > place.width) return hex(value, width);
  const low = (at - place.at) * 8;
  const whole = low === 0 && width === place.width;
  const fields = Object.values(place.register[meta].fields);
  // A register that is one number needs no field names.
  const plain = fields.length === 1 && fields[0]!.bits > 1 && fields[0]!.values === undefined;
  const text = plain || !whole ? hex(value, width) : `${explainFields(place.register, value)} (${hex(value, width)})`;
  if (before === undefined) return text;
  const now = whole ? value : merge(value, width, low, before);
  if (((now ^ before) | 0) === 0) return text;
  return plain
    ? `${text} (was ${hex(before, place.width)})`
    : `${text} (changed: ${explainChange(place.register, before, now)})`;
}

/** A register's value with `width` bits from bit `low` on replaced. */
export function merge(value: number, width: number, low: number, into: number): number {
  if (low < 0 || low > 31) return into;
  const mask = maskOf({ lo: low, bits: Math.min(width, 32 - low) } as Parameters<typeof maskOf>[0]);
  return (into & ~mask) | ((value << low) & mask);
}

function piece(at: number, registers: readonly AnyReg[]): Piece {
  const bytes = Math.max(...registers.map((register) => register.at + register[meta].width / 8));
  const byName = Object.fromEntries(registers.map((register) => [register[meta].name, register]));
  return { at, bytes, map: { chip: 'pci', space: 'capability', bytes, widths: [8, 16, 32], registers: byName } };
}

/** The header and the capabilities that the shell gives behaviour. */
function configPieces(config: ConfigDeclaration): Piece[] {
  const pieces = [{ at: 0, bytes: pci.type0Map.bytes, map: pci.type0Map }];
  const head = [pci.CAP_ID, pci.CAP_NEXT];
  for (const { at, version } of config.capabilities) if (version === undefined) pieces.push(piece(at, head));
  if (config.pm) pieces.push(piece(config.pm.at, [...head, pci.PM_CAP, pci.PMCSR]));
  if (config.msi) {
    const data = config.msi.address64 ? [pci.MSI_ADDR_UPPER, pci.MSI_DATA64] : [pci.MSI_DATA32];
    pieces.push(piece(config.msi.at, [...head, pci.MSI_CONTROL, pci.MSI_ADDR, ...data]));
  }
  if (config.msix) pieces.push(piece(config.msix.at, [...head, pci.MSIX_CONTROL, pci.MSIX_TABLE, pci.MSIX_PBA]));
  return pieces;
}
