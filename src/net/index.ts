/** What applications use: the five-phase loop, HTTP, and the servers of a small network. */
export * from './async.js';
export * from './dhcp-server.js';
export * from './dns-server.js';
export * from './echo.js';
export * from './hash.js';
export * from './http-body.js';
export * from './http-client.js';
export * from './http-head.js';
export * from './http-server.js';
export * from './lab-routes.js';
export * from './loop.js';
export * from './stream.js';
export * from './url.js';
