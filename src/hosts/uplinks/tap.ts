/** Frames of a TAP device: the kernel of this machine as the peer. Needs CAP_NET_ADMIN in the network namespace. */
import { closeSync, constants, openSync } from 'node:fs';
import { copyBytes } from '../native/copy.js';
import { ERRNO, libc } from '../native/libc.js';
import { FRAME_AT, MAX_FRAME, type Uplink, UplinkCore, type UplinkOptions } from './uplink.js';

const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const NAME_BYTES = 16;
const IFREQ_BYTES = 40;
/** Frames taken before the event loop gets its turn. */
const FRAMES_PER_TURN = 128;

/** Which device. */
export interface TapOptions extends UplinkOptions {
  /** Name of the interface, at most 15 characters; `%d` in it is replaced by a number. Default `nicforge%d`. */
  readonly device?: string;
}

/** An uplink over TAP; see {@link openTap}. */
export interface TapUplink extends Uplink {
  /** Name of the interface. It may be moved to another network namespace while open. */
  readonly device: string;
}

/**
 * Creates a TAP device that lives as long as the uplink. Its state and addresses are the caller's business (`ip link`).
 * Without an offload header the kernel hands out finished frames only: checksummed, and no longer than the MTU.
 * @throws Error when /dev/net/tun is missing or the right to use it is
 */
export function openTap(options: TapOptions): TapUplink {
  const system = libc();
  const wanted = options.device ?? 'nicforge%d';
  if (!/^[\w.%-]{1,15}$/.test(wanted))
    throw new RangeError(`an interface name has 1 to 15 letters, digits, dots or dashes: ${wanted}`);
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(wanted, 0, 'latin1');
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI, NAME_BYTES);
  const outcome = system.ioctl(fd, TUNSETIFF, request);
  if (outcome < 0) {
    closeSync(fd);
    throw new Error(
      `nicforge: TUNSETIFF ${wanted}: errno ${-outcome}${outcome === -ERRNO.EPERM ? ' (needs CAP_NET_ADMIN)' : ''}`,
    );
  }
  const device = request.toString('latin1', 0, request.indexOf(0));
  // Memory outside V8's heap, so that its address is constant.
  const outgoing = Buffer.allocUnsafeSlow(MAX_FRAME);
  let open = true;
  const core = new UplinkCore(options.name ?? device, options.time, (arena, offset, length) => {
    if (!open || length > MAX_FRAME) return false;
    copyBytes(arena.u8, offset, outgoing, 0, length);
    return system.write(fd, outgoing, 0, length) === length;
  });
  const watch = system.watch(fd, () => {
    if (!open) return;
    core.begin();
    for (let i = 0; i < FRAMES_PER_TURN && open; i++) {
      const count = system.read(fd, core.inbox.u8, FRAME_AT, MAX_FRAME + 1);
      if (count <= 0) break;
      core.incoming(count);
    }
    core.end();
  });
  return {
    port: core.port,
    counters: core.counters,
    device,
    close: async () => {
      if (!open) return;
      open = false;
      core.port.offer(undefined);
      watch.close();
      closeSync(fd);
    },
  };
}
