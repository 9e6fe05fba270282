/** The "new ASCII" cpio archive that the Linux kernel unpacks as initramfs (kernel Documentation: initramfs buffer format). */
import { gzipSync } from 'node:zlib';

/** One entry: a folder, a file, a symbolic link or a character device. */
export interface CpioEntry {
  /** Path without a leading slash. */
  readonly name: string;
  /** File type and permissions, as `st_mode`. */
  readonly mode: number;
  readonly data?: Uint8Array;
  /** Major and minor number of a device node. */
  readonly device?: readonly [major: number, minor: number];
}

const hex = (value: number): string => value.toString(16).padStart(8, '0').toUpperCase();

/** Writes a whole archive, trailer included. Archives may be concatenated; later files win. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 1;
  const pad = (bytes: number): Buffer => Buffer.alloc((4 - (bytes & 3)) & 3);
  const add = (entry: CpioEntry): void => {
    const name = Buffer.from(`${entry.name}\0`);
    const data = entry.data ?? new Uint8Array(0);
    const [major, minor] = entry.device ?? [0, 0];
    const fields = [inode++, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
    const header = Buffer.from(`070701${fields.map(hex).join('')}`);
    parts.push(header, name, pad(header.length + name.length), Buffer.from(data), pad(data.length));
  };
  for (const entry of entries) add(entry);
  add({ name: 'TRAILER!!!', mode: 0 });
  const body = Buffer.concat(parts);
  // The kernel reads on after a trailer at the next 4-byte boundary; 512 keeps appended archives aligned.
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** An initial file system: `base`, and over it the entries. */
export function overlaid(base: Uint8Array, entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([base, gzipSync(cpio(entries))]);
}

/** A regular file. */
export function file(name: string, data: Uint8Array | string, executable = false): CpioEntry {
  return {
    name,
    mode: 0o100000 | (executable ? 0o755 : 0o644),
    data: typeof data === 'string' ? Buffer.from(data) : data,
  };
}

/** A folder. */
export function folder(name: string): CpioEntry {
  return { name, mode: 0o040755 };
}

/** A symbolic link. */
export function link(name: string, target: string): CpioEntry {
  return { name, mode: 0o120777, data: Buffer.from(target) };
}
