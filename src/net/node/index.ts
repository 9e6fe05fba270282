/** Node's side of `net`: ways between our stack and sockets of this host. */
export * from './forward.js';
export * from './pipe.js';
export * from './udp-forward.js';
