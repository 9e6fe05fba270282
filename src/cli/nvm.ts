/** `nicforge nvm`: what an EEPROM image holds. */
import { parseIntelNvm } from '../lab/node/index.js';
import { columns } from './text.js';
import { readInput, UsageError } from './usage.js';

export const help = `nicforge nvm FILE
  What an EEPROM or flash image of an Intel 8254x or 82574 holds ("ethtool -e eth0 raw on > FILE" makes one), and whether its checksum is right.`;

/** Runs the command and returns what it prints. */
export function nvmCommand(argv: readonly string[]): string {
  const path = argv[0];
  if (path === undefined || argv.length > 1) throw new UsageError('nvm takes one file');
  const image = readInput(path);
  const word = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;
  try {
    const nvm = parseIntelNvm(image);
    return columns([
      ['what', 'value'],
      ['words', String(nvm.words)],
      ['station address', nvm.mac],
      ['device', `${word(nvm.vendor)}:${word(nvm.device)}`],
      ['subsystem', `${word(nvm.subsystemVendor)}:${word(nvm.subsystem)}`],
      ['initialization control 1, 2, 3', [nvm.control1, nvm.control2, nvm.control3].map(word).join(' ')],
      ['APM wake-up', nvm.control3 & 0x0400 ? 'enabled' : 'disabled'],
      ['LED defaults', word(nvm.ledDefaults)],
      ['checksum', nvm.checksumOk ? 'right' : `wrong: word 0x3f should be ${word(nvm.checksumWanted)}`],
    ]);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
