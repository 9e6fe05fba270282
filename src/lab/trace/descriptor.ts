/** The descriptor of the frame under way in words. */
import type { DeviceBus, EmulatedFunction } from '../../emulators/index.js';
import { hex } from '../../registers/index.js';

/** Bytes of a descriptor that are shown: all chips here have 16 or more. */
const SHOWN = 16;

/** `TX ring 0 descriptor 5 at 0x1f3a050: 01f3b000 00000000 8b00003c 00000000`; empty when there is none. */
export function descriptorText(fn: Pick<EmulatedFunction, 'descriptor'>, bus: DeviceBus | undefined): string {
  const slot = fn.descriptor;
  if (slot === undefined || slot.index < 0) return '';
  const words: string[] = [];
  if (bus) for (let i = 0; i < SHOWN; i += 4) words.push(hex(bus.read32(slot.address + i), 32).slice(2));
  return `${slot.ring} descriptor ${slot.index} at 0x${slot.address.toString(16)}${words.length > 0 ? `: ${words.join(' ')}` : ''}`;
}
