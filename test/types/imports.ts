export type { Mmio } from '../../src/platform/index.js';
export { i82540em } from '../../src/registers/index.js';
