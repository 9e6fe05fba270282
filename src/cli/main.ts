#!/usr/bin/env node
/** The command `nicforge`: one file per sub-command, each a thin call into the library. */
import { UsageError } from './usage.js';

const HELP = `nicforge: NIC drivers written, tried and proved without a NIC

  nicforge lab [options]            build a PC with NICs, bring each up, download over it, report
  nicforge serve NIC --socket PATH  put a model into your QEMU, with a network behind it
  nicforge replay FILE              a recorded run of a model once more, without the machine
  nicforge lspci [-v|-x] [FILE]     what is on the lab's bus, or in a dump made by lspci -x
  nicforge probe --explain          who was asked to drive what, and what they answered; --coverage of the tables
  nicforge regs CHIP [REG [VALUE]]  a register: diagram, fields, meaning of a value
  nicforge nvm FILE                 what an EEPROM image holds
  nicforge --help                   this; nicforge COMMAND --help tells more
  nicforge --version`;

async function run(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  const asksHelp = rest.includes('--help') || rest.includes('-h');
  switch (command) {
    case undefined:
    case '--help':
    case '-h':
    case 'help':
      console.log(HELP);
      return 0;
    case '--version': {
      const { version } = await import('./version.js');
      console.log(version());
      return 0;
    }
    case 'lab': {
      const lab = await import('./lab.js');
      if (asksHelp) {
        console.log(lab.help);
        return 0;
      }
      return lab.lab(rest);
    }
    case 'serve': {
      const serve = await import('./serve.js');
      if (asksHelp) {
        console.log(serve.help);
        return 0;
      }
      return serve.serve(rest);
    }
    case 'replay': {
      const replay = await import('./replay.js');
      if (asksHelp) {
        console.log(replay.help);
        return 0;
      }
      return replay.replayCommand(rest);
    }
    case 'lspci': {
      const lspci = await import('./lspci.js');
      console.log(asksHelp ? lspci.help : lspci.lspciCommand(rest));
      return 0;
    }
    case 'probe': {
      const probe = await import('./probe.js');
      if (asksHelp) {
        console.log(probe.help);
        return 0;
      }
      const { text, status } = await probe.probeCommand(rest);
      console.log(text);
      return status;
    }
    case 'nvm': {
      const nvm = await import('./nvm.js');
      console.log(asksHelp ? nvm.help : nvm.nvmCommand(rest));
      return 0;
    }
    case 'regs': {
      const regs = await import('./regs.js');
      console.log(asksHelp ? regs.help : regs.regs(rest));
      return 0;
    }
    default:
      throw new UsageError(`there is no command "${command}"; see nicforge --help`);
  }
}

run(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    if (
      error instanceof UsageError ||
      (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    ) {
      console.error(`nicforge: ${error.message.split('\n')[0]}`);
      process.exitCode = 2;
    } else {
      console.error(error);
      process.exitCode = 1;
    }
  },
);
