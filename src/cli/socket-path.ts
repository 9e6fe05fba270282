/** Sockets that a killed process left behind. */
import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { UsageError } from './usage.js';

/**
 * Makes `path` (absolute) free to listen at: removes a socket at which nobody listens any more.
 * @param option whose path it is, for errors
 * @throws UsageError when something else is there, somebody listens, or there is no such folder
 */
export async function claimSocketPath(path: string, option = 'socket'): Promise<void> {
  if (!existsSync(dirname(path))) throw new UsageError(`--${option}: there is no folder ${dirname(path)}`);
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket) throw new UsageError(`--${option}: ${path} exists and is not a socket`);
  if (bound(path) || (await answers(path))) throw new UsageError(`--${option}: somebody already listens at ${path}`);
  rmSync(path, { force: true });
}

/** Looks before it knocks: a server that takes one client at a time must not be disturbed. */
function bound(path: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .some((line) => line.endsWith(` ${path}`));
  } catch {
    return false;
  }
}

/** Sockets bound by a relative path or in another network namespace are not found by name. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
