/**
 * Ports whose other side is this machine: stream sockets, UDP, TAP.
 * @module
 */
export { RealTime } from '../native/real-time.js';
export { FrameCutter, openStream, type StreamOptions, type StreamUplink } from './stream.js';
export { openTap, type TapOptions, type TapUplink } from './tap.js';
export { openUdp, type UdpOptions, type UdpUplink } from './udp.js';
export type { Uplink, UplinkCounters, UplinkOptions } from './uplink.js';
