/** Rows that every NIC must pass in every mode: it binds, has a link, a lease, and carries bytes. */
import { check, type Row } from '../../support/matrix/rows.js';

const INTERRUPT = { intx: /IO-APIC/, msi: /PCI-MSI-/, msix: /PCI-MSIX-/ } as const;

/** In this order: later ones need what earlier ones set up. */
export const BASIC: readonly Row[] = [
  {
    name: 'binds without a warning',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      const driver = await bench.sh(
        'basename $(readlink /sys/bus/pci/devices/$P/driver); basename $(readlink /sys/class/net/$N/device/driver)',
      );
      check(driver.split('\n').includes(bench.chip.driver.name), `the driver is ${driver}`);
      const mac = await bench.sh('cat /sys/class/net/$N/address');
      check(mac === bench.mac, `the station address is ${mac}, not ${bench.mac}`);
    },
  },
  {
    name: "link at the chip's speed",
    tier: 'short',
    everyMode: true,
    async run(bench) {
      await bench.sh('ip link set $N up');
      await bench.carrier(true);
      if (!bench.chip.features.has('negotiates')) return;
      const mode = await bench.sh('cat /sys/class/net/$N/speed /sys/class/net/$N/duplex');
      check(mode === `${bench.chip.speed}\nfull`, `the link is ${mode}`);
    },
  },
  {
    name: 'DHCP',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      await bench.lease();
      const address = await bench.sh('ip addr show $N');
      check(/inet 10\.0\.2\.\d+\/24/.test(address), address);
    },
  },
  {
    name: 'interrupts of the mode',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      const lines = (await bench.sh('cat /proc/interrupts')).split('\n');
      const names = await bench.sh('ls /sys/bus/pci/devices/$P/msi_irqs 2>/dev/null; cat /sys/bus/pci/devices/$P/irq');
      const mine = lines.filter((line) => names.split(/\s+/).includes(/^\s*(\d+):/.exec(line)?.[1] ?? ''));
      check(mine.length > 0, `no interrupt of the device in\n${lines.join('\n')}`);
      for (const line of mine) check(INTERRUPT[bench.mode].test(line), `mode ${bench.mode}, but: ${line}`);
      check(
        mine.some((line) => / [1-9]\d* /.test(line)),
        `none was taken:\n${mine.join('\n')}`,
      );
    },
    controlLimit: { '82574l': "the driver's MSI test fails on QEMU's e1000e, so it takes INTx instead" },
  },
  {
    name: 'ping 56, 1472 and 4000',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      for (const size of [56, 1472, 4000]) await bench.ping(size, 10);
    },
  },
  {
    name: 'HTTP down and up with equal hash',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      await bench.download(4 << 20);
      await bench.upload(4 << 20);
    },
  },
];
