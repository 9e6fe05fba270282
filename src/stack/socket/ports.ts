/** Ephemeral ports (RFC 6056, RFC 6335): 49152 to 65535, from a random place. */
import type { Random } from '../../platform/random.js';

const FIRST = 49152;
const COUNT = 65536 - FIRST;

/** A port for which `free` says true, or 0 when there is none. Looks at each port once at most. */
export function ephemeralPort(random: Random, free: (port: number) => boolean): number {
  const start = random.below(COUNT);
  for (let i = 0; i < COUNT; i++) {
    const port = FIRST + ((start + i) % COUNT);
    if (free(port)) return port;
  }
  return 0;
}
