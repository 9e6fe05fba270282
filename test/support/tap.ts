/** A TAP device inside a network namespace of its own: the kernel of this machine as a stranger's TCP/IP. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RealTime } from '../../src/hosts/native/real-time.js';
import { openTap, type TapUplink } from '../../src/hosts/uplinks/index.js';
import { Unavailable } from './unavailable.js';

const exec = promisify(execFile);
let number = 0;

/** A namespace with the TAP as its only way out. */
export interface TapNamespace {
  readonly uplink: TapUplink;
  /** Name of the interface inside. */
  readonly device: string;
  /** Runs a program inside; rejects with its stderr when it fails. */
  run(file: string, args: readonly string[]): Promise<string>;
  /** Closes the TAP and removes the namespace. */
  close(): Promise<void>;
}

/**
 * Makes one, with `address` (such as `10.0.2.50/24`) on the interface.
 * @throws Unavailable without root, `ip` or /dev/net/tun
 */
export async function openTapNamespace(time: RealTime, address: string): Promise<TapNamespace> {
  const name = `nicforge-${process.pid}-${number++}`;
  const short = `nf${process.pid % 1_000_000}x${number}`;
  await exec('ip', ['netns', 'add', name]).catch((error: unknown) => {
    throw new Unavailable(
      'tap',
      'privilege',
      String((error as { stderr?: string }).stderr ?? error)
        .trim()
        .slice(0, 200),
    );
  });
  let uplink: TapUplink | undefined;
  try {
    try {
      uplink = openTap({ time, device: short });
    } catch (error) {
      throw new Unavailable('tap', 'privilege', String(error).slice(0, 200));
    }
    const { device } = uplink;
    await exec('ip', ['link', 'set', device, 'netns', name]);
    // IPv6 would send of its own accord.
    await exec('ip', [
      'netns',
      'exec',
      name,
      'sh',
      '-c',
      `echo 1 > /proc/sys/net/ipv6/conf/${device}/disable_ipv6`,
    ]).catch(() => undefined);
    await exec('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    await exec('ip', ['-n', name, 'addr', 'add', address, 'dev', device]);
    await exec('ip', ['-n', name, 'link', 'set', device, 'up']);
  } catch (error) {
    await uplink?.close();
    await exec('ip', ['netns', 'del', name]);
    throw error;
  }
  const open = uplink;
  return {
    uplink: open,
    device: open.device,
    run: async (file, args) =>
      (await exec('ip', ['netns', 'exec', name, file, ...args], { maxBuffer: 16 << 20 })).stdout,
    close: async () => {
      await open.close();
      await exec('ip', ['netns', 'del', name]);
    },
  };
}
