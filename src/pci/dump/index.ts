/**
 * Reads what somebody's `lspci -x`, `-xxx` or `-xxxx` printed. Uses binary-parser, which compiles code at run time: a
 * room of its own, so that browsers with a strict policy do without it.
 * @packageDocumentation
 */
export { type DumpedFunction, type ParsedHeader, parseDump, parseHeader } from './dump.js';
