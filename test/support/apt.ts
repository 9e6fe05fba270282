/**
 * Debian packages without root: a private apt state (own lists, own cache, empty dpkg status, so that apt resolves the
 * whole closure) over the mirror and the keys that this machine's own apt configuration names. Apt checks signatures.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Unavailable } from './unavailable.js';

const exec = promisify(execFile);

/** One source of the machine's apt configuration. */
export interface AptSource {
  readonly uris: string[];
  readonly suites: string[];
  readonly components: string[];
  /** Value of Signed-By (a path, fingerprints or an inline key), verbatim; empty when the default keys apply. */
  readonly signedBy: string;
}

/** Reads deb822 text (`*.sources`): stanzas of `Field: value` with continuation lines. */
export function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue;
      if (/^\s/.test(line)) {
        fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
        continue;
      }
      const colon = line.indexOf(':');
      if (colon < 0) continue;
      last = line.slice(0, colon).trim().toLowerCase();
      fields.set(last, line.slice(colon + 1).trim());
    }
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
    if ((fields.get('enabled') ?? 'yes').toLowerCase() === 'no' || !words('types').includes('deb')) continue;
    sources.push({
      uris: words('uris'),
      suites: words('suites'),
      components: words('components'),
      signedBy: fields.get('signed-by') ?? '',
    });
  }
  return sources;
}

/** Reads one-line text (`*.list`): `deb [options] uri suite component...`. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (!match) continue;
    const signed = /(?:^|\s)signed-by=(\S+)/.exec(match[1] ?? '');
    sources.push({
      uris: [match[2]!],
      suites: [match[3]!],
      components: match[4]!.replace(/#.*/, '').split(/\s+/).filter(Boolean),
      signedBy: signed ? signed[1]!.replaceAll(',', ' ') : '',
    });
  }
  return sources;
}

/** All sources of this machine, in apt's own folders as `apt-config` names them. */
async function machineSources(): Promise<AptSource[]> {
  const { stdout } = await exec('apt-config', [
    'shell',
    'LIST',
    'Dir::Etc::sourcelist/f',
    'PARTS',
    'Dir::Etc::sourceparts/d',
  ]);
  const place = (name: string): string => new RegExp(`^${name}='(.*)'$`, 'm').exec(stdout)?.[1] ?? '';
  const sources: AptSource[] = [];
  const text = async (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  sources.push(...parseOneLine(await text(place('LIST'))));
  for (const name of (await readdir(place('PARTS')).catch(() => [])).sort()) {
    const path = join(place('PARTS'), name);
    if (name.endsWith('.list')) sources.push(...parseOneLine(await text(path)));
    if (name.endsWith('.sources')) sources.push(...parseDeb822(await text(path)));
  }
  return sources;
}

const RELEASES = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'oldstable', 'stable', 'testing', 'unstable'];

/** Takes user names and passwords out of addresses before they are shown. */
function redact(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//');
}

function lastLines(error: unknown): string {
  const stderr = (error as { stderr?: string }).stderr ?? String(error);
  return redact(stderr.trim().split('\n').slice(-3).join(' | ')).slice(0, 500);
}

/** A private apt with the suites of one Debian; made by {@link openApt}. */
export interface Apt {
  /** Downloads packages (and with `closure` all they depend on) and unpacks them over each other under `root`. */
  unpack(packages: string[], root: string, options?: { closure?: boolean; suite?: string }): Promise<void>;
  /** The `Depends:` of a package, alternatives cut off. */
  depends(name: string): Promise<string[]>;
}

/** Which Debian a private apt has. */
export interface AptChoice {
  readonly arch: 'amd64' | 'i386';
  /** Suites, the first of which is the usual one. */
  readonly suites: readonly string[];
  /** Default `main`. */
  readonly components?: string;
}

const TRIXIE: AptChoice = { arch: 'amd64', suites: ['trixie', 'trixie-backports'] };
/** The last Debian with a kernel for 32-bit PCs. */
export const BOOKWORM_I386: AptChoice = { arch: 'i386', suites: ['bookworm'] };

/** Opens (and when older than 12 hours refreshes) the private apt state kept in `folder`. */
export async function openApt(folder: string, what: string, choice: AptChoice = TRIXIE): Promise<Apt> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Unavailable(what, 'platform', 'needs Linux on x86-64');
  const sources = await machineSources().catch(() => {
    throw new Unavailable(what, 'platform', 'apt is not here');
  });
  const base = sources.find((s) => s.components.includes('main') && s.suites.some((suite) => RELEASES.includes(suite)));
  if (!base)
    throw new Unavailable(what, 'no-debian-source', 'apt names no source of a Debian release with component main');

  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  const stanza = (suites: string): string =>
    `Types: deb\nURIs: ${base.uris.join(' ')}\nSuites: ${suites}\nComponents: ${choice.components ?? 'main'}\n${base.signedBy ? `Signed-By: ${base.signedBy}\n` : ''}`;
  await writeFile(join(folder, 'private.sources'), stanza(choice.suites.join(' ')));
  // Read last, so that it wins; hooks of the machine are for the machine's own package state.
  const conf = join(folder, 'apt.conf');
  await writeFile(
    conf,
    [
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '#clear DPkg::Post-Invoke;',
      'Dir::Etc::sourcelist "private.sources";',
      'Dir::Etc::sourceparts "-";',
      'Dir::Etc::preferencesparts "-";',
      'Dir::Etc::preferences "-";',
      `Dir::Etc::sourcelist "${join(folder, 'private.sources')}";`,
      `Dir::State "${folder}";`,
      `Dir::State::lists "${join(folder, 'lists')}";`,
      `Dir::State::status "${join(folder, 'status')}";`,
      `Dir::Cache "${join(folder, 'cache')}";`,
      'Dir::Cache::pkgcache "";',
      `APT::Architecture "${choice.arch}";`,
      '#clear APT::Architectures;',
      `APT::Architectures { "${choice.arch}"; };`,
      'APT::Install-Recommends "false";',
      'APT::Sandbox::User "";',
      'Acquire::Languages "none";',
      'Acquire::Retries "3";',
      '#clear Acquire::IndexTargets::deb::DEP-11;',
      '#clear Acquire::IndexTargets::deb::DEP-11-icons-small;',
      '#clear Acquire::IndexTargets::deb::DEP-11-icons;',
      '#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;',
      '#clear Acquire::IndexTargets::deb::DEP-11-icons-large;',
      'Debug::NoLocking "true";',
      '',
    ].join('\n'),
  );
  const apt = (tool: string, args: string[], cwd = folder): Promise<{ stdout: string; stderr: string }> =>
    exec(tool, ['-c', conf, ...args], {
      cwd,
      maxBuffer: 64 << 20,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });

  const stamp = join(folder, 'updated');
  const age = await stat(stamp).then(
    (s) => Date.now() - s.mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  const refresh = async (): Promise<void> => {
    try {
      await apt('apt-get', ['update', '-q', '--error-on=any']);
    } catch (error) {
      throw new Unavailable(what, 'download', `apt-get update: ${lastLines(error)}`);
    }
    await writeFile(stamp, '');
  };
  if (age > 12 * 3600e3) await refresh();

  const download = async (packages: string[], into: string, closure: boolean, suite: string): Promise<void> => {
    if (!closure) {
      await apt('apt-get', ['download', '-q', ...packages.map((p) => `${p}/${suite}`)], into);
      return;
    }
    await apt('apt-get', ['install', '-q', '-y', '-d', '-t', suite, '-o', `Dir::Cache::archives=${into}`, ...packages]);
  };

  return {
    async unpack(packages, root, options = {}) {
      const { closure = false, suite = choice.suites[0]! } = options;
      const into = await mkdtemp(join(folder, 'debs-'));
      try {
        await mkdir(join(into, 'partial'));
        try {
          await download(packages, into, closure, suite);
        } catch {
          // A list some hours old may name versions that the mirror has replaced since.
          await refresh();
          await download(packages, into, closure, suite).catch((error: unknown) => {
            throw new Unavailable(what, 'download', `${packages.join(' ')}: ${lastLines(error)}`);
          });
        }
        await mkdir(root, { recursive: true });
        for (const deb of (await readdir(into)).filter((name) => name.endsWith('.deb'))) {
          await exec('dpkg-deb', ['-x', join(into, deb), root]).catch((error: unknown) => {
            throw new Unavailable(what, 'unpack', `${deb}: ${lastLines(error)}`);
          });
        }
      } finally {
        await rm(into, { recursive: true, force: true });
      }
    },
    async depends(name) {
      const { stdout } = await apt('apt-cache', [
        'depends',
        '--no-recommends',
        '--no-suggests',
        '-t',
        choice.suites[0]!,
        name,
      ]).catch((error: unknown) => {
        throw new Unavailable(what, 'download', `${name}: ${lastLines(error)}`);
      });
      return [...stdout.matchAll(/^\s+Depends: (\S+)/gm)].map((match) => match[1]!);
    },
  };
}
