/** UDP header (RFC 768). */
import { get16, set16 } from './bytes.js';

/** Header bytes. */
export const UDP_BYTES = 8;

/** Field offsets. */
export const Udp = { source: 0, destination: 2, length: 4, checksum: 6 } as const;

/** Length of header and payload as the header says, or 0 when it does not fit into `bytes`. */
export function checkUdp(u8: Uint8Array, at: number, bytes: number): number {
  if (bytes < UDP_BYTES) return 0;
  const length = get16(u8, at + Udp.length);
  return length >= UDP_BYTES && length <= bytes ? length : 0;
}

/** Writes the header with a zero checksum. */
export function writeUdp(u8: Uint8Array, at: number, source: number, destination: number, length: number): void {
  set16(u8, at, source);
  set16(u8, at + Udp.destination, destination);
  set16(u8, at + Udp.length, length);
  set16(u8, at + Udp.checksum, 0);
}
