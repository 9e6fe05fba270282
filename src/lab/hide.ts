/** A model without some of its capabilities: what a driver does on a machine that cannot have them. */

import type { ConfigDeclaration, DeviceBus, EmulatedFunction, ResetKind } from '../emulators/index.js';
import type { LinkPort } from '../link/index.js';

/** Capabilities that can be hidden. */
export const HIDEABLE = ['msi', 'msix'] as const;
/** One of {@link HIDEABLE}. */
export type Hideable = (typeof HIDEABLE)[number];

/**
 * `fn` as if its configuration space did not list the capabilities in `hidden`; the model itself is untouched, and BARs
 * that hold an MSI-X table stay. Hiding what the function does not have changes nothing.
 */
export function hideCapabilities(fn: EmulatedFunction, hidden: readonly Hideable[]): EmulatedFunction {
  return hidden.some((name) => fn.config[name] !== undefined) ? new Hidden(fn, hidden) : fn;
}

class Hidden implements EmulatedFunction {
  readonly name: string;
  readonly config: ConfigDeclaration;
  readonly port: LinkPort | undefined;
  readonly maps: EmulatedFunction['maps'];
  readonly descriptor: EmulatedFunction['descriptor'];
  readonly #fn: EmulatedFunction;

  constructor(fn: EmulatedFunction, hidden: readonly Hideable[]) {
    const { msi, msix, ...rest } = fn.config;
    this.#fn = fn;
    this.name = fn.name;
    this.port = fn.port;
    this.maps = fn.maps;
    this.descriptor = fn.descriptor;
    this.config = {
      ...rest,
      ...(msi && !hidden.includes('msi') ? { msi } : {}),
      ...(msix && !hidden.includes('msix') ? { msix } : {}),
    };
  }

  rings(): ReturnType<NonNullable<EmulatedFunction['rings']>> {
    return this.#fn.rings?.() ?? [];
  }

  attach(bus: DeviceBus): void {
    this.#fn.attach(bus);
  }

  readBar(bar: number, at: number, width: number): number {
    return this.#fn.readBar(bar, at, width);
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    this.#fn.writeBar(bar, at, width, value);
  }

  readConfig(at: number, width: number): number | undefined {
    return this.#fn.readConfig?.(at, width);
  }

  configRead(at: number, width: number, value: number): void {
    this.#fn.configRead?.(at, width, value);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.#fn.writeConfig?.(at, width, value);
  }

  reset(kind: ResetKind): void {
    this.#fn.reset(kind);
  }

  powerState(state: number): void {
    this.#fn.powerState?.(state);
  }
}
